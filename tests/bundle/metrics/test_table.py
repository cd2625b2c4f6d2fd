# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Summary and files: mean and standard deviation by hand, images that do not count, what a reader gets."""

from __future__ import annotations

import csv
import json
import logging
import math

import numpy as np
import pytest

from bundle.metrics import LABEL_METRICS, evaluate_label, summarise, write_image_metrics
from bundle.report.results import read_metrics

NAN = float("nan")
ROWS = [
    {"name": "a", "aji": 0.2, "pq": NAN},
    {"name": "b", "aji": 0.6, "pq": NAN},
    {"name": "c", "aji": NAN, "pq": 0.5},
]


@pytest.mark.filterwarnings("error")
def test_mean_and_standard_deviation_by_hand():
    summary = summarise(ROWS)
    # deviations -0.2 and 0.2: sqrt((0.04 + 0.04) / (2 - 1))
    assert summary["aji"] == pytest.approx({"mean": 0.4, "sd": math.sqrt(0.08), "n": 2})
    assert summary["pq"] == pytest.approx({"mean": 0.5, "sd": NAN, "n": 1}, nan_ok=True)
    assert list(summary) == ["aji", "pq"]


def test_images_that_do_not_count_are_said(caplog, tmp_path):
    with caplog.at_level(logging.INFO):
        write_image_metrics(ROWS, tmp_path)
    assert "of 3 images" in caplog.text
    assert "aji 0.4000 ± 0.2828 (n 2)" in caplog.text


def test_a_metric_that_no_image_allows():
    assert summarise([{"aji": NAN}])["aji"] == pytest.approx({"mean": NAN, "sd": NAN, "n": 0}, nan_ok=True)
    assert summarise([]) == {}


def test_files_say_what_was_measured(tmp_path):
    write_image_metrics(ROWS, tmp_path / "new" / "folder")
    folder = tmp_path / "new" / "folder"
    assert sorted(path.name for path in folder.iterdir()) == ["metrics.csv", "metrics.json"]
    with open(folder / "metrics.csv", newline="") as file:
        table = list(csv.DictReader(file))
    assert table[0] == {"name": "a", "aji": "0.200000", "pq": "nan"}
    summary = json.loads((folder / "metrics.json").read_text())
    assert summary["images"] == 3
    assert summary["metrics"]["pq"] == {"mean": 0.5, "sd": None, "n": 1}
    assert summary["metrics"]["aji"]["mean"] == pytest.approx(0.4)


def test_a_name_is_no_formula_in_the_file_and_comes_back(tmp_path):
    write_image_metrics([{"name": "=1+1", "aji": -0.5}], tmp_path)
    assert (tmp_path / "metrics.csv").read_text() == "name,aji\n'=1+1,-0.500000\n"
    assert read_metrics(tmp_path / "metrics.csv") == [{"name": "=1+1", "aji": -0.5}]


def test_columns_are_the_metrics_of_a_label(tmp_path):
    label = [[0, 1], [2, 2]]
    write_image_metrics([{"name": "x, y", **evaluate_label(np.array(label), np.array(label))}], tmp_path)
    with open(tmp_path / "metrics.csv", newline="") as file:
        header, row = csv.reader(file)
    assert header == ["name", *LABEL_METRICS]
    assert header == ["name", "iou", "f1", "dice", "aji", "pq", "dq", "sq", "detection_f1"]
    assert row == ["x, y", *["1.000000"] * 8]


def test_a_metric_that_one_image_lacks(tmp_path):
    write_image_metrics([{"name": "a", "aji": 1.0}, {"name": "b", "count_error": 0.0}], tmp_path)
    assert (tmp_path / "metrics.csv").read_text().splitlines() == [
        "name,aji,count_error",
        "a,1.000000,nan",
        "b,nan,0.000000",
    ]
    assert json.loads((tmp_path / "metrics.json").read_text())["metrics"]["aji"]["n"] == 1
