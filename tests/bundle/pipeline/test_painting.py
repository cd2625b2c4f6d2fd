# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Whether synthetic images are painted: said, or decided by the clicks, and kept while an output goes on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from bundle.annotations.click_check import ClickCheck
from bundle.data.folder import DataFolder
from bundle.files.manifest_file import read_manifest
from bundle.pipeline import painting
from bundle.pipeline.baselines import BASELINES
from bundle.pipeline.painting import describe_decision, with_painting
from bundle.pipeline.pipeline import decided, run_method
from bundle.pipeline.request import Request
from bundle.pipeline.stage_run import StageRun
from bundle.pipeline.stages import METHOD, REAL_ONLY, method_with
from bundle.simulation.dataset import write_dataset

ROOT = Path(__file__).resolve().parents[3]
Check = Callable[[float | None], None]


@pytest.fixture
def dataset(tmp_path: Path) -> DataFolder:
    """Six training images, for which the clicks decide."""
    return DataFolder(write_dataset(tmp_path / "many", images=7, size=(72, 72), testing=1), mpp=0.5)


@pytest.fixture
def request_(dataset: DataFolder, tmp_path: Path) -> Request:
    return Request(dataset.dataset_dir, tmp_path / "out", ROOT, "smoke", device="cpu", image_mpp=0.5)


@pytest.fixture
def check(monkeypatch: pytest.MonkeyPatch) -> Check:
    """Lets the check say that clicks lie so many diameters beside the centres; None: nothing."""

    def say(diameters: float | None) -> None:
        found = None if diameters is None else ClickCheck(diameters, 1.5, 6, 700)
        monkeypatch.setattr(painting, "check_clicks", lambda *_: found)

    return say


@pytest.mark.parametrize(
    ("diameters", "variant", "said"),
    [
        (0.1, "real_only", "no synthetic images are painted: clicks lie about 0.6 um beside the centres, 0.10 of a"),
        (0.25, "real_only", r"and painting pays above 0.25 \(otherwise: --variant painted\)"),
        (0.3, "painted", r"^synthetic images are painted: .* about 1.8 um .* \(otherwise: --variant real_only\)"),
        (None, "real_only", "the clicks could not be checked"),
    ],
)
def test_rough_clicks_decide(
    request_: Request, dataset: DataFolder, check: Check, diameters: float | None, variant: str, said: str
) -> None:
    check(diameters)
    found = with_painting(request_, dataset)
    assert found.variant == variant and pytest.approx(diameters) == found.decision.get("click_check", {}).get(
        "diameters"
    )
    with pytest.raises(ValueError, match=said):
        raise ValueError(describe_decision(found.decision))


def test_few_images_are_not_painted_after_and_their_clicks_not_looked_at(
    request_: Request, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(painting, "check_clicks", lambda *_: pytest.fail("nothing to decide"))
    few = DataFolder(write_dataset(tmp_path / "few", images=6, size=(72, 72), testing=1), mpp=0.5)
    found = with_painting(request_, few)
    assert found.variant == "real_only" and "5 clicked images or fewer, here 5" in describe_decision(found.decision)


@pytest.mark.parametrize("variant", ["painted", "real_only", "pretrained", "published,no_pool", "style", "grey,blobs"])
def test_what_a_variant_says_stands(request_: Request, dataset: DataFolder, variant: str) -> None:
    said = replace(request_, variant=variant)
    assert with_painting(said, dataset) is said


def test_the_paper_preset_paints(request_: Request, dataset: DataFolder) -> None:
    said = replace(request_, preset="paper")
    assert with_painting(said, dataset) is said and method_with(said.variants) == METHOD


@pytest.mark.parametrize("variant", ["grey", "hovernet", "cnn3", "strong"])
def test_variants_that_do_not_concern_painting_leave_it_open(
    request_: Request, dataset: DataFolder, check: Check, variant: str
) -> None:
    check(0.1)
    assert with_painting(replace(request_, variant=variant), dataset).variants == ["real_only", variant]


@pytest.mark.parametrize("name", ["online", "refined", "real_only", "cyclegan"])
def test_baselines_that_need_synthetic_images_have_them(
    request_: Request, dataset: DataFolder, check: Check, name: str
) -> None:
    check(0.1)
    found = with_painting(request_, dataset, BASELINES[name].stages)
    assert found.variant == "painted" and f"baselines/{name}/" in describe_decision(found.decision)
    assert with_painting(request_, dataset, BASELINES["dense"].stages).variant == "real_only"


def test_a_run_that_goes_on_does_not_change_its_mind(request_: Request, dataset: DataFolder, check: Check) -> None:
    check(0.4)
    first = with_painting(request_, dataset)
    run = StageRun(first, METHOD[0])
    run.manifest().begin()
    check(0.1)
    again = with_painting(request_, dataset)
    assert again == first
    assert StageRun(again, METHOD[0]).settings == run.settings
    assert with_painting(request_, dataset, restart="synthetic") == first
    assert with_painting(request_, dataset, restart="synthesis").variant == "real_only"


@pytest.mark.parametrize(("variant", "expected"), [("", "painted"), ("real_only", "real_only")])
def test_an_output_that_was_begun_explicitly_goes_on_so(
    request_: Request, dataset: DataFolder, check: Check, variant: str, expected: str
) -> None:
    stage = method_with([variant])[0]
    StageRun(replace(request_, variant=variant), stage).manifest().begin()  # as versions without a check did
    check(0.1 if expected == "painted" else 0.4)
    found = with_painting(request_, dataset)
    assert found.variant == expected and "so this output was begun" in describe_decision(found.decision)


def test_a_manifest_names_no_file(request_: Request, dataset: DataFolder) -> None:
    planted = replace(request_, variant="painted", decision={"variant": "../../elsewhere", "why": "because"})
    StageRun(planted, METHOD[0]).manifest().begin()
    assert with_painting(request_, dataset).variant == "painted"


def test_the_pipeline_plans_what_was_decided_and_says_it(
    request_: Request, check: Check, caplog: pytest.LogCaptureFixture
) -> None:
    check(0.1)
    with caplog.at_level("INFO"):
        assert run_method(request_, plan_only=True) is None
    first = [message for message in caplog.messages if "painted" in message][0]
    assert first.startswith("no synthetic images are painted: clicks lie")
    assert not list(request_.output_dir.glob("*/"))
    assert any("synthesis: learns from ellipses" in message for message in caplog.messages)
    assert decided(request_).variant == "real_only" and method_with(["real_only"]) == REAL_ONLY


def test_stages_run_by_name_record_the_option_that_makes_them_anew(request_: Request) -> None:
    StageRun(replace(request_, variant="grey"), METHOD[0]).manifest().begin()
    manifest = read_manifest(request_.output_dir / METHOD[0].folder)
    assert manifest is not None and manifest["record"]["arguments"]["variant"] == "painted,grey"


@pytest.mark.parametrize(("mpp", "times"), [(None, 1), (0.25, 0)])
def test_images_that_say_no_spacing_are_warned_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, mpp: float | None, times: int
) -> None:
    for part in ("images", "points"):
        (tmp_path / "data" / part).mkdir(parents=True)
    Image.new("RGB", (80, 80), (200, 180, 220)).save(tmp_path / "data" / "images" / "a.png")
    (tmp_path / "data" / "points" / "a.csv").write_text("x,y\n40,40\n")
    decided(Request(tmp_path / "data", tmp_path / "out", ROOT, "smoke", device="cpu", image_mpp=mpp))
    said = [message for message in caplog.messages if "taken for the model's 0.5: state it, --mpp" in message]
    assert len(said) == times
