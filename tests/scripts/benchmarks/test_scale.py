# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The benchmark of scales judges a true scale as true, and enters its table into a page."""

from __future__ import annotations

import pytest
import torch

from bundle.inference.scale import usual_diameter
from bundle.simulation.dataset import write_dataset
from scripts.benchmarks import scale as benchmark


def test_a_table_of_simulated_tissue(tmp_path, monkeypatch):
    write_dataset(tmp_path / "data", images=1, testing=0, size=(160, 160), seed=0)
    page = tmp_path / "page.md"
    page.write_text("<!-- table: scale -->\n<!-- end of table: scale -->\n")
    monkeypatch.setattr(benchmark, "find_spacing", lambda segmenter, image: 0.5)
    benchmark.scale(str(tmp_path / "data"), spacings="0.5", page=str(page))
    cells = page.read_text().splitlines()[3].split(" | ")
    assert cells[0] == "| 0.5" and cells[1] == "1" and cells[4] == cells[5].rstrip(" |")


def test_a_size_is_judged_by_the_labels(monkeypatch):
    label = torch.zeros(1, 64, 64, dtype=torch.int32)
    label[0, 20:30, 20:30] = 1  # 100 px: a disc of 11.28 px

    class Named:
        diameter = 6.0

    monkeypatch.setattr(benchmark, "find_spacing", lambda segmenter, image: 0.5)
    monkeypatch.setattr(benchmark, "aji", lambda *_: 0.0)
    found = benchmark.judged(Named(), (torch.zeros(3, 64, 64), label, 0.25), 0.25)
    assert usual_diameter(Named()) == 6.0 and found.factor == pytest.approx(12 / 11.284, rel=1e-3)


def test_data_without_labels_cannot_be_judged(tmp_path):
    write_dataset(tmp_path / "data", images=1, testing=0, size=(64, 64), seed=0)
    for path in (tmp_path / "data" / "labels").iterdir():
        path.unlink()
    with pytest.raises(ValueError, match="no image of the part 'training' has a label"):
        benchmark.scale(str(tmp_path / "data"))
