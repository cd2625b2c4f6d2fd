# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Of a partly clicked data folder only what lies in regions is learnt from, px by px."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from shapely import box

from bundle.annotations.clicked_parts import PartSize, ensure_clicked_parts
from bundle.annotations.clicks import Outline
from bundle.annotations.regions import REGION
from bundle.click_page.clicks.regions_table import regions_text
from bundle.data.diameters import Diameter
from bundle.data.folder import DataFolder
from bundle.data.image_spacings import write_with_spacing
from bundle.data.joining import list_members
from bundle.data.sources import Source
from bundle.files.csv_table import read_table
from bundle.files.images import read_image
from bundle.files.points_csv import write_points
from bundle.files.writers import write_image, write_label
from bundle.pipeline.datasets import clicked_parts
from bundle.pipeline.request import Request
from bundle.pipeline.stages import METHOD

ROOT = Path(__file__).resolve().parents[3]
SIZE = PartSize(32, 0.5)


def draw(folder: Path, name: str, *boxes: tuple[float, float, float, float]) -> None:
    """Regions by their outermost pixels."""
    outlines = [Outline(box(x0 - 0.5, y0 - 0.5, x1 + 0.5, y1 + 0.5), REGION) for x0, y0, x1, y1 in boxes]
    (folder / "regions").mkdir(exist_ok=True)
    (folder / "regions" / f"{name}.geojson").write_text(regions_text(outlines, name))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """`a` (two regions and clicks beside them), `b` clicked all over, `c` for testing, 16 bit, with a label."""
    folder, drawn = tmp_path / "data", np.random.default_rng(0)
    for kind in ("images", "points", "labels"):
        (folder / kind).mkdir(parents=True)
    for name in "abc":
        pixels = drawn.integers(0, 60000 if name == "c" else 256, (3, 90, 120))
        write_image(folder / "images" / f"{name}.tif", pixels.astype(np.uint16 if name == "c" else np.uint8), 0.5)
        points = torch.tensor([[10.0, 12.0], [39.0, 20.0], [40.0, 20.0], [100.0, 80.0], [60.0, 5.0]])
        write_points(folder / "points" / f"{name}.csv", points)
    label = torch.zeros(1, 90, 120, dtype=torch.int32)
    label[0, 20:30, 20:30], label[0, 50:60, 50:60] = 1, 2
    write_label(folder / "labels" / "c.tif", label, 0.5)
    draw(folder, "a", (0, 0, 39, 39), (70, 50, 119, 89))
    draw(folder, "c", (15, 10, 54, 59))
    (folder / "split.json").write_text(json.dumps({"training": ["a", "b"], "testing": ["c"]}))
    (folder / "diameters.csv").write_text("image,diameter_px\na,24\n")
    (folder / "shares.csv").write_text("image,share\na,2\nb,1\nc,1\n")
    return folder


def cut(data: Path, output: Path) -> DataFolder:
    return DataFolder(ensure_clicked_parts(DataFolder(data, regions=True), SIZE, output))


def test_parts_hold_the_pixels_clicks_and_labels_of_their_regions_and_no_others(data: Path, tmp_path: Path) -> None:
    parts = cut(data, tmp_path / "parts")
    assert [item.name for item in parts.training] == ["a_x0_y0", "a_x70_y50", "b"]
    first = parts.load(parts.training[0])
    whole = read_image(data / "images" / "a.tif").array
    assert np.array_equal(read_image(parts.training[0].image_path).array, whole[:, :40, :40])
    assert first["points"].tolist() == [[10, 12], [39, 20]] and first["mpp"] == pytest.approx(0.5)
    assert parts.load(parts.training[1])["points"].tolist() == [[30, 30]]
    assert len(parts.load(parts.training[2])["points"]) == 5
    (test,) = parts.testing
    stored = read_image(test.image_path).array
    assert stored.dtype == np.uint16
    assert np.array_equal(stored, read_image(data / "images" / "c.tif").array[:, 10:60, 15:55])
    assert parts.load(test)["points"].tolist() == [[24, 10], [25, 10]]
    label = parts.load_label(test)[0]
    assert label[10:20, 5:15].unique().tolist() == [1] and label[40:50, 35:].unique().tolist() == [2]
    parts.check_points()
    rows = {
        row[0]: [int(each) for each in row[3:]] for _, row in read_table(tmp_path / "parts" / "tiles.csv", "tile")[1]
    }
    assert rows["a_x70_y50"] == [70, 50, 50, 40, 1] and rows["b"] == [0, 0, 120, 90, 5]


def test_diameters_and_shares_go_with_their_image(data: Path, tmp_path: Path) -> None:
    parts = {item.name: item for item in cut(data, tmp_path / "parts").training}
    assert parts["a_x0_y0"].diameter == parts["a_x70_y50"].diameter == Diameter(24, "px")
    assert parts["b"].diameter is None and parts["b"].share == 1
    assert parts["a_x0_y0"].share == pytest.approx(2 * 1600 / 3600)
    assert parts["a_x70_y50"].share == pytest.approx(2 * 2000 / 3600)


def test_the_same_files_are_cut_once_and_changed_ones_refused(data: Path, tmp_path: Path) -> None:
    output = cut(data, tmp_path / "parts").dataset_dir
    (output / "mark").touch()
    assert cut(data, output).dataset_dir == output and (output / "mark").exists()
    draw(data, "a", (0, 0, 60, 60))
    with pytest.raises(FileExistsError, match="have changed since"):
        cut(data, output)


def test_nobody_else_takes_a_partly_clicked_folder_for_a_whole_one(data: Path, tmp_path: Path) -> None:
    for work in (lambda: DataFolder(data), lambda: list_members([Source(data)])):
        with pytest.raises(ValueError, match="2 images are clicked in regions only, such as a.*prepare_data parts"):
            work()
    (data / "mpp.csv").write_text("image,mpp\na,0.5\nb,0.5\nc,0.5\n")
    (tmp_path / "tagged").mkdir()
    write_with_spacing(data, data / "mpp.csv", tmp_path / "tagged")
    assert len(DataFolder(tmp_path / "tagged", regions=True).partly_clicked) == 2  # regions are not lost on the way


def test_the_pipeline_works_on_the_parts(data: Path, tmp_path: Path) -> None:
    request = Request(data, tmp_path / "out", ROOT, "smoke", overrides={"crop_size": [32, 32]})
    with clicked_parts(request, METHOD) as clicked:
        assert clicked.dataset_dir == tmp_path / "out" / "dataset"
        assert len(DataFolder(clicked.dataset_dir).training) == 3
    with clicked_parts(
        Request(data, tmp_path / "plan", ROOT, "smoke", overrides={"crop_size": [32, 32]}), METHOD, True
    ):
        assert not (tmp_path / "plan").exists()


def test_regions_too_small_to_learn_from_are_named(data: Path, tmp_path: Path) -> None:
    draw(data, "a", (0, 0, 30, 60))
    (data / "shares.csv").unlink()
    (data / "split.json").write_text(json.dumps({"training": ["a"], "testing": ["c"]}))
    with pytest.raises(ValueError, match="no region holds 32 x 32 px at 0.5 um per px"):
        cut(data, tmp_path / "parts")
    assert not (tmp_path / "parts").exists()
    draw(data, "a")
    with pytest.raises(ValueError, match="holds no region: draw one"):
        cut(data, tmp_path / "parts")


def test_a_part_is_no_smaller_than_a_crop_at_the_models_spacing() -> None:
    assert PartSize(128, 0.5).px(0.25) == 256 and PartSize(128, 0.5).px(None) == 128
    assert PartSize(128, 0.5).px(0.3) == 214  # 213 are 127.8
