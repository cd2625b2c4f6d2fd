# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The stage `predictions`: what it measures with which truth, what it keeps, and what it refuses before segmenting."""

from __future__ import annotations

import csv
import json
import logging

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image
from torch import nn

from bundle.data.folder import DataFolder
from bundle.inference.batch import BatchSegmenter
from bundle.inference.evaluation import Evaluation
from bundle.inference.segmenter import Segmenter, windows
from bundle.metrics import LABEL_METRICS, POINT_METRICS
from transforms.maps.hover import hover_map

MPP = 0.25
CENTRES = [(14, 12), (40, 15), (25, 40)]  # x, y of discs, in raster order
LABEL = np.zeros((1, 56, 60), np.int32)
for number, (x, y) in enumerate(CENTRES, 1):
    LABEL[0][np.hypot(*(np.indices((56, 60))[::-1] - np.array([x, y])[:, None, None])) < 9] = number


class Decoder(nn.Module):
    """A network that reads its answer off the image: red is h, green is v, blue is m; it counts its calls."""

    def __init__(self):
        super().__init__()
        self.calls = 0

    def forward(self, image):
        self.calls += 1
        return torch.cat((image[:, :2] * 2 - 1, (image[:, 2:] - 0.5) * 30), 1)


@pytest.fixture
def network():
    return Decoder()


@pytest.fixture
def dataset(tmp_path):
    """One testing image whose pixels hold the hover map of LABEL, with its label and points."""
    for part in ("images", "labels", "points"):
        (tmp_path / "data" / part).mkdir(parents=True)
    add_image(tmp_path / "data", "a")
    Image.fromarray(LABEL[0].astype(np.uint16)).save(tmp_path / "data" / "labels" / "a.png")
    write_points(tmp_path / "data", "a", CENTRES)
    name_testing(tmp_path / "data", "a")
    return tmp_path / "data"


def add_image(folder, name):
    target = hover_map(torch.from_numpy(LABEL))
    image = torch.cat(((target[:2] + 1) / 2, target[2:])).permute(1, 2, 0)
    tags = {"resolution": (1e4 / MPP, 1e4 / MPP), "resolutionunit": "CENTIMETER"}
    tifffile.imwrite(folder / "images" / f"{name}.tif", (image * 255).round().byte().numpy(), photometric="rgb", **tags)


def write_points(folder, name, points):
    (folder / "points" / f"{name}.csv").write_text("x,y\n" + "".join(f"{x},{y}\n" for x, y in points))


def name_testing(folder, *names):
    (folder / "split.json").write_text(json.dumps({"training": [], "testing": names}))


def evaluation(dataset, network, output, mpp=None, overwrite=True, **options):
    segmenter = Segmenter(network, mpp or MPP, inferer=windows((64, 64)))
    batch = BatchSegmenter(segmenter, output, mpp, overwrite)
    return Evaluation(DataFolder(dataset, mpp), batch, **options)


def test_what_is_found_is_written_and_measured(dataset, network, tmp_path):
    rows = evaluation(dataset, network, tmp_path / "out").run()
    written = sorted(str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*.*"))
    assert written == ["labels/a.tif", "metrics.csv", "metrics.json", "objects/a.csv", "overlays/a.png"]
    assert set(rows[0]) == {"name", *LABEL_METRICS, *POINT_METRICS}
    assert rows[0]["aji"] > 0.9 and rows[0]["pq"] > 0.9
    assert rows[0]["detection_f1"] == rows[0]["points_alone"] == 1
    with open(tmp_path / "out" / "metrics.csv", newline="") as file:
        lines = list(csv.DictReader(file))
    assert [line["name"] for line in lines] == ["a"]
    assert float(lines[0]["aji"]) == pytest.approx(rows[0]["aji"], abs=1e-6)
    summary = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert summary["images"] == 1 and summary["metrics"]["aji"]["n"] == 1


@pytest.mark.parametrize(("mpp", "found"), [(None, 1.0), (0.5, 0.0)])
def test_the_radius_is_in_um_of_each_image(dataset, network, tmp_path, mpp, found):
    write_points(dataset, "a", [(x, y + 8) for x, y in CENTRES])  # 8 px: 2 um at the tagged spacing, 4 at the stated
    rows = evaluation(dataset, network, tmp_path / "out", mpp, detection_radius=3.0).run()
    assert rows[0]["detection_f1"] == found


def test_points_alone_allow_what_points_can_tell(dataset, network, tmp_path, caplog):
    (dataset / "labels" / "a.png").unlink()
    with caplog.at_level(logging.INFO):
        rows = evaluation(dataset, network, tmp_path / "out").run()
    assert set(rows[0]) == {"name", *POINT_METRICS}
    assert "1 of 1 images measured: 0 have a label, 1 have points" in caplog.text
    assert "for want of labels: iou, f1, dice, aji, pq, dq, sq\n" in caplog.text


def test_without_any_truth_images_are_segmented_and_old_figures_go(dataset, network, tmp_path):
    evaluation(dataset, network, tmp_path / "out").run()
    (dataset / "labels" / "a.png").unlink()
    (dataset / "points" / "a.csv").unlink()
    assert evaluation(dataset, network, tmp_path / "out").run() == []
    assert (tmp_path / "out" / "labels" / "a.tif").is_file()
    assert not list((tmp_path / "out").glob("metrics.*"))


def test_a_resumed_run_segments_only_what_is_missing(dataset, network, tmp_path):
    evaluation(dataset, network, tmp_path / "out").run()
    before = network.calls
    rows = evaluation(dataset, network, tmp_path / "out", overwrite=False).run()
    assert network.calls == before and rows[0]["aji"] > 0.9
    evaluation(dataset, network, tmp_path / "out").run()
    assert network.calls > before


def test_an_image_that_cannot_be_read_stops_the_measuring_but_not_the_others(dataset, network, tmp_path):
    (dataset / "images" / "b.png").write_bytes(b"no image")
    name_testing(dataset, "b", "a")
    with pytest.raises(ValueError, match=r"1 of 2 images could not be segmented.*b\.png"):
        evaluation(dataset, network, tmp_path / "out").run()
    assert (tmp_path / "out" / "labels" / "a.tif").is_file()
    assert not (tmp_path / "out" / "metrics.csv").exists()


def test_a_label_of_another_size_is_refused_before_anything_is_segmented(dataset, network, tmp_path):
    Image.fromarray(LABEL[0, 1:].astype(np.uint16)).save(dataset / "labels" / "a.png")
    with pytest.raises(ValueError, match=r"a\.png: the label is 60 x 55 px and its image 60 x 56 px"):
        evaluation(dataset, network, tmp_path / "out").run()
    assert network.calls == 0


def test_a_part_without_images_is_refused(dataset, network, tmp_path):
    with pytest.raises(ValueError, match="no image in the part 'training'"):
        evaluation(dataset, network, tmp_path / "out", split="training").run()
