# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""What the pipeline makes of the data set: the typical diameter in um for all stages, and the files that decide."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bundle.data.diameters import Diameter
from bundle.data.folder import DataFolder
from bundle.files.manifest_file import read_manifest
from bundle.pipeline.dataset import stage_files, with_diameter
from bundle.pipeline.pipeline import run_pipeline
from bundle.pipeline.request import Request
from bundle.pipeline.stage_run import StageRun, StaleStageError
from bundle.pipeline.stages import Stage

MakeRequest = Callable[..., Request]


@pytest.fixture
def with_model_spacing(bundle_root: Path) -> None:
    """The training configuration has the ids of the real ones; the other stage has no diameter."""
    with open(bundle_root / "configs" / "train.yaml", "a") as file:
        file.write("model_mpp: 0.5\ndiameter: 6.0\n")


@pytest.mark.usefixtures("with_model_spacing")
@pytest.mark.parametrize(
    ("stated", "image_mpp", "overrides", "um"),
    [
        (Diameter(8), None, {}, 8),
        (Diameter(8), 0.25, {}, 8),
        (Diameter(24, "px"), 0.25, {}, 6),
        (Diameter(24, "px"), None, {}, 12),  # of unknown spacing: px of the image are px of the model
        (Diameter(24, "px"), None, {"model_mpp": 0.1}, 2.4),
    ],
)
def test_a_stated_diameter_is_an_override_in_um(
    make_request: MakeRequest,
    stages: list[Stage],
    stated: Diameter,
    image_mpp: float | None,
    overrides: dict[str, float],
    um: float,
) -> None:
    request = make_request(diameter=stated, image_mpp=image_mpp, overrides=overrides)
    found = with_diameter(request, stages, DataFolder(request.dataset_dir, image_mpp))
    assert found.diameter is None and found.overrides == {**overrides, "diameter": pytest.approx(um)}
    first, second = (StageRun(found, stage).values for stage in stages[:2])
    assert first["diameter"] == pytest.approx(um) and "diameter" not in second


def test_without_a_stated_diameter_nothing_changes(make_request: MakeRequest, stages: list[Stage]) -> None:
    request = make_request()
    assert with_diameter(request, stages, DataFolder(request.dataset_dir)) is request


@pytest.mark.usefixtures("with_model_spacing")
def test_the_manifest_keeps_the_diameter_in_um(make_request: MakeRequest, stages: list[Stage]) -> None:
    run_pipeline(make_request(diameter=Diameter(24, "px"), image_mpp=0.25), stages)
    manifest = read_manifest(make_request().output_dir / "synthesis")
    assert manifest is not None and manifest["settings"]["diameter"] == 6
    assert manifest["record"]["arguments"]["set"] == "diameter=6.0"
    run_pipeline(make_request(overrides={"diameter": 6}, image_mpp=0.25), stages)  # the same said otherwise
    with pytest.raises(StaleStageError, match=r"setting diameter changed from 6\.0 to 7"):
        run_pipeline(make_request(diameter=Diameter(7), image_mpp=0.25), stages)


@pytest.mark.usefixtures("with_model_spacing")
@pytest.mark.parametrize("name", ["diameter", "train/diameter"])
def test_a_diameter_given_twice_is_refused(make_request: MakeRequest, stages: list[Stage], name: str) -> None:
    request = make_request(diameter=Diameter(8), overrides={name: 8})
    with pytest.raises(ValueError, match=rf"twice, by --diameter and by --set {name}=\.\.\.: leave one of them out"):
        run_pipeline(request, stages)
    assert not request.output_dir.exists()


def test_diameters_of_single_images_belong_to_the_inputs_of_stages_that_train_on_points(
    make_request: MakeRequest, stages: list[Stage], dataset_dir: Path
) -> None:
    request, path = make_request(), dataset_dir / "diameters.csv"
    path.write_text("image,diameter_um\na,8\n")
    train, predict = stages
    dataset = DataFolder(dataset_dir)
    assert stage_files(dataset, train)["diameters.csv"] == path
    assert "diameters.csv" not in stage_files(dataset, replace(train, parts=("images", "labels")))
    assert "diameters.csv" not in stage_files(dataset, predict)
    run_pipeline(request, stages)
    path.write_text("image,diameter_um\na,9\n")
    with pytest.raises(StaleStageError, match=r"input diameters\.csv changed"):
        run_pipeline(request, stages)


def test_bad_diameters_are_refused_before_anything_is_written(
    make_request: MakeRequest, stages: list[Stage], dataset_dir: Path
) -> None:
    (dataset_dir / "diameters.csv").write_text("image,diameter_um\na,8\nq,9\n")
    request = make_request()
    with pytest.raises(ValueError, match=r"diameters\.csv, line 3: there is no image 'q'"):
        run_pipeline(request, stages)
    assert not request.output_dir.exists()
