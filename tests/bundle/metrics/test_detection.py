# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Detection and point metrics: answers by hand, properties, bad input."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from bundle.metrics import POINT_METRICS, detection_f1, evaluate_label, object_centres, point_metrics

LABEL = np.array([[4, 4, 4, 0, 0, 0], [4, 4, 4, 0, 2, 2], [0, 0, 0, 0, 2, 2], [0, 0, 0, 0, 0, 2], [9, 0, 0, 0, 0, 0]])
some_points = arrays(np.float64, st.tuples(st.integers(1, 9), st.just(2)), elements=st.floats(0, 20, width=32))


def test_centres_by_hand():
    # 2: x (4 + 5 + 4 + 5 + 5) / 5, y (1 + 1 + 2 + 2 + 3) / 5; then 4, then 9
    assert object_centres(LABEL) == pytest.approx(np.array([[4.6, 1.8], [1.0, 0.5], [0.0, 4.0]]))


def test_centres_of_an_object_in_pieces_and_of_none():
    assert object_centres(np.array([[1, 0, 0, 1]])) == pytest.approx(np.array([[1.5, 0.0]]))
    assert object_centres(np.zeros((3, 3), dtype=int)).shape == (0, 2)


def test_pairs_are_one_to_one():
    # two predictions on one true point: one pair of 2 + 1 points
    assert detection_f1([[0, 0], [1, 0]], [[0, 0]], radius=2) == pytest.approx(2 / 3)


def test_pairing_is_optimal_and_not_nearest_first():
    # nearest first would pair 1 with 0 and leave -1.5 and 2.5 alone
    assert detection_f1([[1.0, 0.0], [-1.5, 0.0]], [[0.0, 0.0], [2.5, 0.0]], radius=1.5) == 1.0


def test_the_radius_belongs_to_the_neighbourhood():
    assert detection_f1([[0, 0]], [[3, 4]], radius=5) == 1.0
    assert detection_f1([[0, 0]], [[3, 4]], radius=4.99) == 0.0


def test_no_points():
    none, one = np.zeros((0, 2)), np.zeros((1, 2))
    assert math.isnan(detection_f1(none, none))
    assert detection_f1(none, one) == detection_f1(one, none) == 0.0


@given(some_points)
def test_perfect_is_one_even_with_coincident_points(points):
    assert detection_f1(points, points[::-1], radius=0.5) == 1.0


@given(some_points, some_points, st.floats(0.5, 5))
def test_detection_is_symmetric_and_grows_with_the_radius(a, b, radius):
    value = detection_f1(a, b, radius)
    assert value == detection_f1(b, a, radius)
    assert value <= detection_f1(a, b, 2 * radius)


def test_point_metrics_by_hand():
    # two points in object 4, one in 2 at its border (x 5.4 is still pixel 5), one in no object; 9 holds none
    points = torch.tensor([[0.0, 0.0], [2.0, 1.0], [5.4, 3.0], [3.0, 4.0]])
    got = point_metrics(LABEL, points, radius=1.5)
    # pairs at most 1.5 px apart: centre of 4 with either of its points, centre of 2 (4.6, 1.8) with (5.4, 3.0)
    assert got == pytest.approx(
        {"detection_f1": 2 * 2 / 7, "points_inside": 3 / 4, "points_alone": 1 / 4, "count_error": (3 - 4) / 4}
    )
    assert tuple(got) == POINT_METRICS


@pytest.mark.parametrize(
    ("point", "inside"), [((2.4, 0.0), 1), ((2.6, 0.0), 0), ((-0.5, 1.49), 1), ((1.0, 1.5), 0), ((5.49, 3.49), 1)]
)
def test_a_point_belongs_to_the_nearest_pixel(point, inside):
    assert point_metrics(LABEL, [point])["points_inside"] == inside


def test_points_against_an_empty_label_and_a_label_without_points():
    empty, none = np.zeros_like(LABEL), np.zeros((0, 2))
    missed = {"detection_f1": 0.0, "points_inside": 0.0, "points_alone": 0.0, "count_error": -1.0}
    assert point_metrics(empty, [[1.0, 1.0]]) == missed
    assert all(math.isnan(value) for value in point_metrics(empty, none).values())
    invented = point_metrics(LABEL, none)
    assert math.isnan(invented.pop("count_error"))
    assert set(invented.values()) == {0.0}


def test_points_measure_detection_where_there_are_any():
    points = np.array([[1.0, 1.0]])
    both, label_only = evaluate_label(LABEL, LABEL, points, radius=2), evaluate_label(LABEL, LABEL, radius=2)
    assert label_only["detection_f1"] == 1.0
    assert both["detection_f1"] == pytest.approx(2 / 4)
    assert evaluate_label(LABEL, None, points, radius=2) == {name: both[name] for name in POINT_METRICS}


@pytest.mark.parametrize(
    ("points", "message"),
    [
        ([[6.0, 0.0]], r"\[6.0, 0.0\].*6 x 5 px"),
        ([[0.0, -0.6]], "outside"),
        ([[0.0, 4.5]], "outside"),
        ([[math.nan, 0.0]], "not finite"),
        ([[1.0, 2.0, 3.0]], r"\(1, 3\)"),
        ([], r"\(0,\)"),
    ],
)
def test_bad_points_are_refused(points, message):
    with pytest.raises(ValueError, match=message):
        point_metrics(LABEL, points)


@pytest.mark.parametrize("radius", [0.0, -1.0, math.nan])
def test_a_bad_radius_is_refused(radius):
    with pytest.raises(ValueError, match="radius"):
        detection_f1([[0, 0]], [[0, 0]], radius)


def test_nothing_to_measure_against_is_refused():
    with pytest.raises(ValueError, match="neither"):
        evaluate_label(LABEL, None)
