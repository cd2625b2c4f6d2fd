# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Degraded data sets say what they lack and are nested; curves are run once and tabulated."""

from __future__ import annotations

import json

import pytest
import torch

from bundle.data.folder import DataFolder
from bundle.simulation.dataset import write_dataset
from scripts.experiments.__main__ import numbers, robustness
from scripts.experiments.degrade import Degradation, choose_images, degrade_points, write_degraded
from scripts.experiments.records import read_records
from scripts.experiments.robustness import WHOLE, robustness_markdown, settings
from scripts.typed_options import call

BUDGET = {"preset": "smoke", "device": "cpu", "synthesis_epochs": 1, "segmentation_epochs": 1}


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    folder = tmp_path_factory.mktemp("robustness") / "data"
    return write_dataset(folder, images=4, size=(96, 96), seed=1, testing=1)


def test_fewer_images_are_some_of_more(dataset):
    items = DataFolder(dataset).training
    chosen = [{item.name for _, item in choose_images(items, Degradation(images=count))} for count in (1, 2, 3)]
    assert [len(names) for names in chosen] == [1, 2, 3] and chosen[0] < chosen[1] < chosen[2]
    with pytest.raises(ValueError, match="4 training images are asked for, and there are 3"):
        choose_images(items, Degradation(images=4))


def test_clicks_move_by_the_stated_noise_and_stay_in_the_image():
    points = torch.rand(4000, 2, generator=torch.Generator().manual_seed(0)) * 800 + 100
    moved, gone = degrade_points(points, (1000, 1000), 4.0, 0, Degradation(noise=1.0))
    assert gone == [] and (moved - points).std(0).tolist() == pytest.approx([4.0, 4.0], rel=0.05)
    assert (moved - points).mean(0).abs().max() < 0.3
    at_border, _ = degrade_points(torch.zeros(500, 2), (20, 30), 40.0, 0, Degradation(noise=1.0))
    assert at_border.min() >= 0 and at_border[:, 0].max() == 29 and at_border[:, 1].max() == 19


def test_missing_clicks_are_the_stated_share_and_nested():
    points = torch.arange(40.0).view(20, 2)
    drops = [degrade_points(points, (50, 50), 0, 3, Degradation(missing=share)) for share in (0.1, 0.5, 0.99)]
    assert [len(gone) for _, gone in drops] == [2, 10, 19] and [len(kept) for kept, _ in drops] == [18, 10, 1]
    assert set(drops[0][1]) < set(drops[1][1]) < set(drops[2][1])
    kept, gone = drops[1]
    assert torch.equal(kept, points[[row for row in range(20) if row not in gone]])


def test_a_degraded_data_set_is_a_data_set_and_says_what_it_lacks(dataset, tmp_path):
    original = DataFolder(dataset)
    output = write_degraded(original, Degradation(images=2, missing=0.5), tmp_path / "new")
    folder, record = DataFolder(output), json.loads((output / "degraded.json").read_text())
    assert [item.name for item in folder.training] == record["images"] and len(record["images"]) == 2
    assert [item.name for item in folder.testing] == [item.name for item in original.testing]
    assert folder.load_label(folder.testing[0]).equal(original.load_label(original.testing[0]))
    for item in folder.training:
        before = original.load(next(each for each in original.training if each.name == item.name))["points"]
        rows = [row for row in range(len(before)) if row not in record["dropped"][item.name]]
        torch.testing.assert_close(folder.load(item)["points"], before[rows])
    (output / "degraded.json").write_text(json.dumps({"degradation": record["degradation"]}))  # cut before the end
    next((output / "points").iterdir()).unlink()
    for _ in range(2):
        assert write_degraded(original, Degradation(images=2, missing=0.5), output) == output
    assert (
        json.loads((output / "degraded.json").read_text()) == record and DataFolder(output).training == folder.training
    )
    with pytest.raises(FileExistsError, match="new holds something else"):
        write_degraded(original, Degradation(images=2, missing=0.25), output)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "mine.txt").write_text("mine")
    with pytest.raises(FileExistsError, match="other holds something else"):
        write_degraded(original, Degradation(), tmp_path / "other")


@pytest.mark.parametrize("wrong", [{"images": 0}, {"noise": -1.0}, {"missing": 1.0}])
def test_impossible_degradations_are_refused(wrong):
    with pytest.raises(ValueError, match="at least one image, noise of 0 um or more"):
        Degradation(**wrong)


def test_curves_are_run_measured_and_drawn_once(dataset, tmp_path):
    records, page, figure = (tmp_path / name for name in ("kept.csv", "page.md", "curves.png"))
    page.write_text("Before.\n<!-- table: robustness -->\n<!-- end of table: robustness -->\nAfter.\n")
    points = {"images": "2,3", "noise": "1", "missing": ""}
    files = {"records": str(records), "page": str(page), "figure": str(figure)}
    for _ in range(2):
        call(robustness, str(dataset), str(tmp_path / "out"), ways="ellipses", **points, **files, **BUDGET)
    found = read_records(records)
    assert [record["row"] for record in found] == ["clicked_images_2_ellipses", "whole_ellipses", "noise_1_ellipses"]
    assert [record["clicked_images"] for record in found] == [2, 3, 3]
    assert all(record["images"] == 1 and 0 <= record["aji"] <= 1 for record in found)
    assert figure.stat().st_size > 5000 and f"| click noise, um | 0 | {found[1]['aji']:.3f} ±" in page.read_text()
    root = tmp_path / "out" / "seed0"
    sessions = json.loads(next((root / "noise_1").rglob("segmentation/manifest.json")).read_text())["sessions"]
    assert len(sessions) == 1 and not (root / "clicked_images_3").exists()


def test_the_whole_data_set_is_one_point_of_all_curves():
    points = settings(23, [1, 23], [0, 0.5], [0, 0.25], seed=4)
    assert [point.name for point in points] == ["clicked_images_1", WHOLE, "noise_0.5", "missing_0.25"]
    assert {point.degradation.seed for point in points} == {4}
    with pytest.raises(ValueError, match="24 training images are asked for, and there are 23"):
        settings(23, [24], [], [])


def test_the_table_has_a_line_for_each_point_and_means_over_seeds():
    values = {"clicked_images": 23, "noise": 0.5, "missing": 0.0, "curve": "noise", "aji_sd": 0.05, "images": 14}
    records = [
        {"row": f"noise_0.5_{way}", "way": way, "seed": seed, "aji": aji, **values}
        for way, seed, aji in (("ellipses", 0, 0.4), ("method", 0, 0.5), ("method", 1, 0.6))
    ]
    records.append({**records[0], "curve": WHOLE, "noise": 0.0})
    header, _, *lines = robustness_markdown(records).splitlines()
    assert header == "| curve | value | ellipses: AJI | method: AJI |"
    assert lines == [
        "| clicked images | 23 | 0.400 ± 0.050 |  |",
        "| click noise, um | 0 | 0.400 ± 0.050 |  |",
        "| click noise, um | 0.5 | 0.400 ± 0.050 | 0.550 ± 0.050 |",
        "| clicks missing, share | 0 | 0.400 ± 0.050 |  |",
    ]


def test_wrong_arguments_are_named(dataset, tmp_path):
    with pytest.raises(ValueError, match="noise is '1,two'"):
        numbers("noise", "1,two")
    with pytest.raises(ValueError, match="ways names 'x'"):
        call(robustness, str(dataset), str(tmp_path), ways="x", **BUDGET)
