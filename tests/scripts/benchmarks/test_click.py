# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The click page's benchmark: what it clicks is what a person would have, and a slide is looked at part by part."""

from __future__ import annotations

from pathlib import Path

import pytest

from bundle.annotations.regions import read_regions
from bundle.data.folder import DataFolder
from bundle.files.points_csv import parse_points
from bundle.simulation.dataset import write_dataset
from scripts.benchmarks.click import click_page, measure_slide, write_clicked_regions


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_dataset(tmp_path / "data", images=4, size=(160, 200), testing=1, seed=3)


def test_regions_are_clicked_as_the_points_say(folder: Path, tmp_path: Path) -> None:
    data = DataFolder(folder, 0.25)
    names = write_clicked_regions(data, tmp_path / "clicked", 2, 25.0, seed=1)
    assert len(names) == 2 and names < {item.name for item in data.training}
    for item in data.training:
        if item.name not in names:
            continue
        (region,) = read_regions(tmp_path / "clicked" / "regions" / f"{item.name}.geojson")
        left, top, right, bottom = region.area.bounds
        assert (right - left, bottom - top) == (100, 100)
        found = parse_points(tmp_path / "clicked" / "points" / f"{item.name}.csv", (160, 200)).tolist()
        inside = [[x, y] for x, y in data.load(item)["points"].tolist() if left <= x < right and top <= y < bottom]
        assert found == inside and found
    with pytest.raises(ValueError, match="9 regions are asked for, of 3 images"):
        write_clicked_regions(data, tmp_path / "more", 9, 25.0, seed=1)


def test_an_unknown_part_is_named(folder: Path) -> None:
    with pytest.raises(ValueError, match="parts name 'paint'"):
        click_page(str(folder), parts="propose,paint")


@pytest.mark.slow
def test_a_slide_is_looked_at_within_bounded_memory(tmp_path: Path) -> None:
    pytest.importorskip("imagecodecs")
    figures = measure_slide(tmp_path, 12000)  # 412 MiB of pixels
    assert figures["grown_mib"] < 300 and figures["median_ms"] < 2000
