# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The command line of the pipeline: names come through as typed, and errors end with one line and exit code 1."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

import scripts.pipeline as command
from bundle.data.diameters import Diameter
from bundle.data.folder import DataFolder
from bundle.networks.device import choose_precision
from bundle.pipeline.baselines import BASELINES
from bundle.pipeline.output import check_output_dir
from bundle.pipeline.stages import PRETRAINED, REAL_ONLY, method_with
from bundle.simulation.dataset import write_dataset

Calls = list[tuple[Any, ...]]


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Calls:
    """What the command line passes to the pipeline, which does not run."""
    found: Calls = []
    monkeypatch.setattr(command, "run_method", lambda *arguments: found.append(arguments))
    monkeypatch.setattr(command, "run_demo", lambda *arguments: found.append(arguments))
    return found


@pytest.mark.parametrize("name", ["a#b", "2018", "1e3", "$HOME", "@id", "%m", "with space", "None", "[1]"])
def test_folders_come_through_as_typed(calls: Calls, name: str) -> None:
    command.main(["run", "--dataset_dir", name, f"--output_dir=out/{name}"])
    request = calls[0][0]
    assert request.dataset_dir == Path(name) and request.output_dir == Path(f"out/{name}")


def test_an_existing_folder_may_have_a_comma_in_its_name(calls: Calls, tmp_path: Path) -> None:
    (tmp_path / "x,y").mkdir()
    command.main(["run", "--dataset_dir", str(tmp_path / "x,y"), "--output_dir", "o", "--mpp", "0.25"])
    assert calls[0][0].dataset_dir == tmp_path / "x,y" and calls[0][0].image_mpp == 0.25


def test_several_data_sets_become_one_in_the_output_folder(calls: Calls, tmp_path: Path) -> None:
    names = [str(write_dataset(tmp_path / name, images=2, size=(48, 48), seed=1, testing=1)) for name in "ab"]
    options = ["--mpp", "0.25,0.5", "--diameter", "24px,8", "--share", "0.7,0.3"]
    command.main(["run", "--dataset_dir", ",".join(names), "--output_dir", str(tmp_path / "out"), *options])
    request = calls[0][0]
    assert request.dataset_dir == tmp_path / "out" / "dataset" and request.image_mpp is None
    assert request.diameter == Diameter(6.0)
    joined = DataFolder(request.dataset_dir)
    assert {item.diameter for item in joined.training} == {Diameter(6.0), Diameter(8.0)}
    check_output_dir(tmp_path / "out")  # the run that follows takes it for its own


def test_a_plan_of_several_data_sets_writes_nothing(calls: Calls, tmp_path: Path) -> None:
    names = [str(write_dataset(tmp_path / name, images=2, size=(48, 48), seed=1, testing=1)) for name in "ab"]
    options = ["--dataset_dir", ",".join(names), "--output_dir", str(tmp_path / "out"), "--mpp", "0.5"]
    command.main(["plan", *options])
    assert calls[0][0].dataset_dir.name == "dataset" and not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--share", "0.5,0.5"], "for one data set"),
        (["--mpp", "0.25,0.5"], "mpp holds '0.25,0.5', which is no number"),
        (["--mpp", "250"], "um \\(not nm\\)"),
    ],
)
def test_what_is_said_of_one_data_set_fits_one(calls: Calls, options: list[str], message: str) -> None:
    with pytest.raises(SystemExit, match=message):
        command.main(["run", "--dataset_dir", "d", "--output_dir", "o", *options])


def test_options_become_the_request(calls: Calls) -> None:
    options = "--preset smoke --mpp 0.25 --device cpu --seed 3 --variant tight --restart synthetic".split()
    command.main(["run", "--dataset_dir", "d", "--output_dir", "o", *options])
    request, beside, restart, plan_only = calls[0]
    assert (request.preset, request.image_mpp, request.device) == ("smoke", 0.25, "cpu")
    assert (request.seed, request.variant, restart, plan_only) == (3, "tight", "synthetic", False)
    assert tuple(beside) == () and (request.bundle_root / "scripts" / "pipeline.py").is_file()


@pytest.mark.parametrize("command_name", ["run", "compare"])
def test_training_goes_on_from_given_weights(calls: Calls, command_name: str, tmp_path: Path) -> None:
    folder = tmp_path / "a;b#c @d"
    folder.mkdir()
    (folder / "model.pt").write_bytes(b"weights")
    options = ["--init_weights", str(folder), "--set", "segmentation_epochs=5"]
    command.main([command_name, "--dataset_dir", "d", "--output_dir", "o", *options])
    overrides = calls[0][0].overrides
    assert overrides["segmentation_epochs"] == 5
    expression = overrides["segmentation/init_weights"]
    assert expression[0] == "$" and eval(expression[1:]) == str(folder / "model.pt")


def test_weights_that_are_not_there_are_named_before_anything_runs(calls: Calls, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="no such model: train one first"):
        command.main(["run", "--dataset_dir", "d", "--output_dir", "o", "--init_weights", str(tmp_path / "none.pt")])
    assert not calls


@pytest.mark.parametrize("command_name", ["run", "compare", "plan"])
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], None),
        (["--diameter", "8"], Diameter(8.0)),
        (["--diameter=7.5um"], Diameter(7.5)),
        (["--diameter", "24px"], Diameter(24.0, "px")),
        (["--diameter", "24 px"], Diameter(24.0, "px")),
    ],
)
def test_the_diameter_is_in_um_or_px(
    calls: Calls, command_name: str, words: list[str], expected: Diameter | None
) -> None:
    command.main([command_name, "--dataset_dir", "d", "--output_dir", "o", *words])
    assert calls[0][0].diameter == expected


def test_every_set_counts(calls: Calls) -> None:
    settings = ["--set", "a::b=3", "--set=synthesis/c=#x", "--set", "d=[1, 2]; e=f"]
    command.main(["run", "--dataset_dir", "d", "--output_dir", "o", *settings])
    assert calls[0][0].overrides == {"a::b": 3, "synthesis/c": "#x", "d": [1, 2], "e": "f"}


def test_compare_adds_the_baselines_asked_for(calls: Calls) -> None:
    command.main(["compare", "--dataset_dir", "d", "--output_dir", "o"])
    assert list(calls[0][1]) == [*BASELINES["ellipses"].stages, *BASELINES["dense"].stages]
    command.main(["compare", "--dataset_dir", "d", "--output_dir", "o", "--baselines", "ellipses"])
    assert list(calls[1][1]) == list(BASELINES["ellipses"].stages)


def test_without_synthetic_images_the_plan_says_so_and_nothing_that_paints_may_be_asked_for(tmp_path: Path) -> None:
    assert method_with(["blobs", "real_only"], BASELINES["refined"].stages) == REAL_ONLY
    assert not any("paint" in stage.does for stage in REAL_ONLY)
    options = ["--dataset_dir", "d", "--output_dir", str(tmp_path / "o"), "--variant", "blobs,real_only"]
    for name in ("online", "cyclegan"):
        with pytest.raises(SystemExit, match=f"real_only trains no generator, and baselines/{name}/.* needs one"):
            command.main(["compare", *options, "--baselines", f"voronoi,{name}"])
    with pytest.raises(SystemExit, match="the variants painted and real_only exclude each other: choose one"):
        command.main(["run", *options[:-1], "real_only,painted"])


def test_a_trained_segmenter_labels_the_images_and_goes_on(calls: Calls, tmp_path: Path) -> None:
    options = ["--dataset_dir", "d", "--output_dir", "o", "--variant", "pretrained"]
    command.main(["run", *options])
    assert method_with(calls[0][0].variants) == PRETRAINED and calls[0][0].overrides == {}
    assert [stage.folder for stage in PRETRAINED] == ["synthetic", "segmentation", "predictions"]
    (tmp_path / "model.pt").touch()
    command.main(["run", *options, "--init_weights", str(tmp_path)])
    assert list(calls[1][0].overrides) == ["pretrained"]  # it labels, and training goes on from it
    assert str(tmp_path / "model.pt") in calls[1][0].overrides["pretrained"]
    with pytest.raises(ValueError, match="real_only and pretrained label the real images each in its own way"):
        method_with(["pretrained", "real_only"])
    with pytest.raises(ValueError, match="pretrained trains no generator, and baselines/online/.* needs one"):
        method_with(["pretrained"], BASELINES["online"].stages)


def test_plan_stops_after_the_plan(calls: Calls) -> None:
    command.main(["plan", "--dataset_dir", "d", "--output_dir", "o"])
    assert calls[0][2:] == ("", True)


@pytest.mark.parametrize(("asked", "said"), [("auto", "auto: this "), ("float32", "as asked")])
def test_the_plan_says_which_precision_and_why(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, asked: str, said: str
) -> None:
    write_dataset(tmp_path / "data", images=2, size=(80, 80), testing=1)
    places = ["--dataset_dir", str(tmp_path / "data"), "--output_dir", str(tmp_path / "out"), "--preset", "smoke"]
    with caplog.at_level("INFO"):
        command.main(["plan", *places, "--device", "cpu", "--variant", "real_only", "--set", f"precision={asked}"])
    chosen = choose_precision(torch.device("cpu"), asked)
    assert f"precision {chosen}" in caplog.messages and said in chosen.why
    assert any(f"device cpu ({torch.get_num_threads()} threads)" in message for message in caplog.messages)


def test_a_precision_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    write_dataset(tmp_path / "data", images=2, size=(80, 80), testing=1)
    places = ["--dataset_dir", str(tmp_path / "data"), "--output_dir", str(tmp_path / "out"), "--preset", "smoke"]
    with pytest.raises(SystemExit, match="^error: precision is 'half': choose one of auto, float32, bfloat16, float16"):
        command.main(["plan", *places, "--set", "precision=half"])


def test_demo_keeps_data_and_results_in_one_folder(calls: Calls) -> None:
    command.main(["demo", "--output", "my#demo", "--seed", "5", "--least_aji", "0.4"])
    request, least = calls[0]
    assert (request.dataset_dir, request.output_dir) == (Path("my#demo/dataset"), Path("my#demo/results"))
    assert (request.preset, request.seed, least, request.variant) == ("demo", 5, 0.4, "painted")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--device", "cuda:99"], "CUDA GPUs here"),
        (["--device", "gpu"], "which torch does not know"),
        (["--mpp", "-1"], "mpp is -1"),
        (["--seed", "one"], "seed is 'one'"),
        (["--diameter", "-3"], "diameter is '-3': give the typical diameter"),
        (["--diameter", "big"], "diameter is 'big': give the typical diameter"),
        (["--diameter", "8mm"], "diameter is '8mm': give the typical diameter"),
        (["--set", "updates"], "not of the form id=value"),
    ],
)
def test_bad_options_are_one_line_before_anything_runs(calls: Calls, options: list[str], message: str) -> None:
    with pytest.raises(SystemExit) as raised:
        command.main(["run", "--dataset_dir", "d", "--output_dir", "o", *options])
    assert message in str(raised.value) and "\n" not in str(raised.value)
    assert calls == []


def test_unknown_options_and_baselines_are_refused(calls: Calls) -> None:
    for options in (["run", "--presett", "cpu"], ["compare", "--baselines", "elipses"]):
        with pytest.raises(SystemExit) as raised:
            command.main([*options, "--dataset_dir", "d", "--output_dir", "o"])
        assert raised.value.code not in (0, None)
    assert calls == []


def test_ctrl_c_says_how_to_go_on(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "run_method", interrupted)
    with pytest.raises(SystemExit) as raised:
        command.main(["run", "--dataset_dir", "d", "--output_dir", "o"])
    assert raised.value.code == 130 and "the same command goes on" in caplog.text


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--diameter", "400"], "synthesis cannot start: a typical diameter of 800 px .* possible are"),
        (["--set", "crop_size=[64, 80]"], r"synthesis cannot start: 1 of 1 images .* 80 x 64 px: simulated_000 \(70 x"),
        (
            ["--set", "channels=1"],
            "2 problems:\n.*simulated_000.tif: a colour image where grey .* without --variant grey",
        ),
    ],
)
def test_what_stops_a_stage_at_its_start_is_told_before_anything_trains(
    tmp_path: Path, options: list[str], message: str
) -> None:
    dataset = write_dataset(tmp_path / "data", images=2, size=(70, 70), testing=1)
    folders = ["--dataset_dir", str(dataset), "--output_dir", str(tmp_path / "out"), "--preset", "smoke"]
    with pytest.raises(SystemExit, match=f"error: .*{message}"):
        command.main(["run", *folders, *options])
    assert not list(tmp_path.glob("out/*/*"))
