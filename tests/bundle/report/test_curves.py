# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Learning curves: running means worked by hand, thinning that keeps the mean, and one panel per term."""

from __future__ import annotations

import numpy as np

from bundle.report.curves import learning_curves, running_mean, thinned


def test_running_mean_over_three_readings_by_hand() -> None:
    values = np.array([0.0, 3.0, 6.0, 0.0])  # half width 1: two readings at the ends, three in the middle
    assert running_mean(values).tolist() == [1.5, 3.0, 3.0, 3.0]


def test_running_mean_leaves_missing_readings_out() -> None:
    assert running_mean(np.array([np.nan, 2.0, 4.0])).tolist() == [2.0, 3.0, 3.0]
    assert np.isnan(running_mean(np.array([np.nan]))).all()


def test_thinning_keeps_few_readings_and_the_mean() -> None:
    steps, values = thinned(np.arange(1000.0), np.arange(1000.0) ** 2, most=100)
    assert len(steps) == len(values) == 100
    assert values.mean() == (np.arange(1000.0) ** 2).mean()
    assert thinned(np.arange(5.0), np.ones(5))[0].tolist() == [0, 1, 2, 3, 4]


def test_a_panel_per_term_in_the_colour_of_the_page() -> None:
    columns = {
        "step": np.arange(3.0),
        "seconds": np.arange(3.0),
        "point_loss": np.ones(3),
        "dice": np.array([1, np.nan, 2]),
    }
    svg = learning_curves({"a": columns, "empty": {}}, salt="0")
    assert svg.startswith("<svg") and svg.rstrip().endswith("</svg>")
    assert ">point loss<" in svg and ">dice<" in svg and ">seconds<" not in svg
    assert "currentColor" in svg and "#010203" not in svg


def test_no_reading_no_picture() -> None:
    assert learning_curves({}, "0") == learning_curves({"a": {}}, "0") == ""
    assert learning_curves({"a": {"step": np.zeros(0), "dice": np.zeros(0)}}, "0") == ""
