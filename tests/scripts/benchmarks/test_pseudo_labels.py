# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The benchmark of labels from points measures each way against outlines, and enters its tables into a page."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from bundle.data.training_images import PointedImage
from bundle.inference.pseudo_labels import PseudoLabeller
from bundle.simulation.dataset import write_dataset
from scripts.benchmarks.pseudo_labels import OutlinedImage, measure_labeller, pseudo_labels

NAMES = ("pseudo-labels", "pseudo-labels of each image")


def test_tables_of_simulated_tissue(tmp_path: Path) -> None:
    write_dataset(tmp_path / "data", images=3, testing=1, size=(128, 128), seed=0)
    page = tmp_path / "page.md"
    page.write_text("".join(f"<!-- table: {name} -->\n<!-- end of table: {name} -->\n" for name in NAMES))
    pseudo_labels(str(tmp_path / "data"), noise="0,1", page=str(page))
    ways, images = (part.split("<!-- end")[0].splitlines() for part in page.read_text().split("<!-- table")[1:])
    assert [line.split(" | ")[:2] for line in ways[3:]] == [
        [f"| {noise}", way] for noise in (0, 1) for way in ("Voronoi cells", "pixels", "star shapes")
    ]
    assert len(images) == 3 + 2
    assert all(0.3 < float(line.split(" | ")[2]) <= 1 for line in ways[3:])


def test_a_label_is_measured_at_the_size_of_its_image() -> None:
    truth = np.zeros((32, 32), np.int32)
    truth[8:24, 8:24] = 1  # 256 px

    class Half(PseudoLabeller):
        def label(self, name: str, size: tuple[int, int], pointed: PointedImage) -> tuple[Tensor, None]:
            label = torch.zeros(1, 16, 16, dtype=torch.int32)
            label[0, 4:12, 4:8] = 1  # the left half
            return label, None

    pointed = PointedImage(torch.zeros(3, 16, 16), torch.tensor([[6.0, 8.0]]), 12.0)
    known = OutlinedImage("t", pointed, truth)
    found = measure_labeller(Half(0.5, 6.0), known)
    assert known.median_area == 256
    assert found["recall"] == 0.5 and found["precision"] == 1.0 and found["AJI"] == pytest.approx(0.5)


def test_data_without_outlines_cannot_be_judged(tmp_path: Path) -> None:
    write_dataset(tmp_path / "data", images=1, testing=0, size=(64, 64), seed=0)
    for path in (tmp_path / "data" / "labels").iterdir():
        path.unlink()
    with pytest.raises(ValueError, match="no training image has a label"):
        pseudo_labels(str(tmp_path / "data"))
