# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The simulated user, worked by hand, and a whole run at the smallest size."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from bundle.data.folder import DataFolder
from bundle.metrics.detection import pair_points
from bundle.simulation.dataset import write_dataset
from scripts.experiments.clicks import Bench, CurveOptions, CurvePoint, Region, SimulatedUser, click_region, clicks
from scripts.experiments.options import TableOptions
from scripts.experiments.records import read_records

EXACT = SimulatedUser(noise_um=0, overlooked=0)
CENTRES = np.array([[10.0, 10.0], [40.0, 10.0], [70.0, 10.0]])


def drawn() -> np.random.Generator:
    return np.random.default_rng(0)


def test_without_proposals_each_nucleus_is_a_click() -> None:
    work = click_region(CENTRES, None, 0.5, EXACT, drawn())
    assert work.points.tolist() == CENTRES.tolist() and (work.actions, work.looks) == (3, 0)


def test_with_proposals_only_mistakes_are_mended() -> None:
    proposed = np.array([[11.0, 10.0], [40.0, 12.0], [90.0, 90.0]])  # two right, one false; the third centre is missed
    work = click_region(CENTRES, proposed, 0.5, EXACT, drawn())
    assert sorted(work.points.tolist()) == [[11, 10], [40, 12], [70, 10]]
    assert (work.actions, work.looks) == (1 + 2 + 1, 3)
    nothing = click_region(CENTRES, np.zeros((0, 2)), 0.5, EXACT, drawn())
    assert (nothing.actions, len(nothing.points)) == (3, 3)


def test_users_overlook_and_miss() -> None:
    many = np.random.default_rng(1).random((4000, 2)) * 4000
    work = click_region(many, None, 0.5, SimulatedUser(noise_um=0.5, overlooked=0.05), drawn())
    assert 0.94 < len(work.points) / len(many) < 0.96
    seen = many[drawn().random(len(many)) >= 0.05]
    assert (work.points - seen).std() == pytest.approx(1.0, abs=0.05)  # 0.5 um are 1 px


def test_points_are_paired_one_to_one() -> None:
    first, second = pair_points(np.array([[0.0, 0], [1, 0], [9, 9]]), np.array([[0.5, 0.0], [1.5, 0]]), 0.6)
    assert sorted(zip(first.tolist(), second.tolist(), strict=True)) == [(0, 0), (1, 1)]
    assert [len(each) for each in pair_points(np.zeros((0, 2)), np.zeros((3, 2)), 1)] == [0, 0]


def test_regions_hold_the_pixels_they_are_made_of() -> None:
    region = Region(None, 10, 20, 5)  # type: ignore[arg-type]
    assert region.holds(np.array([[9.5, 20], [14.49, 24.49], [14.5, 20], [9.4, 20]])).tolist() == [
        True,
        True,
        False,
        False,
    ]


def test_a_budget_is_not_overdrawn_and_only_what_is_clicked_is_written(tmp_path: Path) -> None:
    data = write_dataset(tmp_path / "data", images=3, size=(160, 200), testing=1, seed=3)
    bench = Bench(DataFolder(data, 0.5), tmp_path / "none.pt", tmp_path / "out", EXACT, 40.0, "smoke", 1)
    assert len(bench.regions(0)) == 2 * 2 * 2 and bench.regions(0) == bench.regions(0) != bench.regions(1)
    work = bench.click(CurvePoint("clicks_alone", 40, 0), tmp_path / "clicked")
    assert 0 < work.actions == len(work.points) <= 40
    made = DataFolder(tmp_path / "clicked", regions=True)
    assert made.training == made.partly_clicked
    assert sum(len(made.load(item)["points"]) for item in made.training) == len(work.points)


@pytest.mark.slow
def test_a_whole_run_goes_on_where_it_was(tmp_path: Path) -> None:
    data = write_dataset(tmp_path / "data", images=3, size=(160, 200), testing=1, seed=3)
    curves = CurveOptions("proposals", "0,60", region_um=70.0, updates=100)
    clicks(str(data), str(tmp_path / "out"), TableOptions(), curves, image_mpp=0.5)
    zero, some = read_records(tmp_path / "out" / "clicks.csv")
    assert zero["actions"] == 0 and 0 < some["actions"] <= 60 and some["clicks"] > some["actions"] / 2
    assert 0 < zero["aji"] < 1 and 0 < some["detection_f1"] <= 1 and some["minutes"] > 0
    manifest = json.loads(next((tmp_path / "out").glob("seed_0/*/runs/segmentation/manifest.json")).read_text())
    assert manifest["complete"]
    clicks(str(data), str(tmp_path / "out"), TableOptions(), curves, image_mpp=0.5)
    assert read_records(tmp_path / "out" / "clicks.csv") == [zero, some]
    assert "| proposals | 0 | 0 | 0.0 |" in (tmp_path / "out" / "clicks.md").read_text()
    assert (tmp_path / "out" / "clicks.png").stat().st_size > 5000
