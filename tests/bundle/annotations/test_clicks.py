# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Marks: middles of outlines, areas from rings, and the choice of classes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import shapely

from bundle.annotations.choice import Choice, parse_classes
from bundle.annotations.clicks import Clicks, Outline, area_of, middle, parts_of, union_of

PATH = Path("a.geojson")
SQUARE, FAR = shapely.box(0, 0, 4, 2), shapely.box(10, 10, 12, 14)


def marks(*names, outlines=()):
    points = np.arange(2.0 * len(names)).reshape(-1, 2)
    return Clicks(PATH, points, names, tuple(outlines))


def test_the_middle_of_an_area_is_its_centre_of_mass_if_that_lies_inside():
    assert middle(SQUARE) == (2, 1)
    hook = shapely.Polygon([(0, 0), (10, 0), (10, 10), (9, 10), (9, 1), (0, 1)])
    assert hook.covers(shapely.Point(middle(hook))) and not hook.covers(hook.centroid)


def test_areas_are_joined_without_counting_anything_twice():
    joined = union_of([SQUARE, shapely.box(3, 0, 6, 2), FAR])
    assert joined.area == 12 + 8 and len(joined.geoms) == 2
    assert parts_of(shapely.GeometryCollection([SQUARE, shapely.LineString([(0, 0), (1, 1)]), FAR])) == [SQUARE, FAR]
    assert union_of([]).is_empty


def test_a_ring_needs_three_vertices():
    with pytest.raises(ValueError, match=r"a\.geojson: an outline has fewer than three vertices"):
        area_of(PATH, [np.array([[0.0, 0], [1, 1]])])


def test_classes_choose_points_and_outlines():
    clicks = marks("tumour", None, "stroma", outlines=[Outline(SQUARE, "tumour"), Outline(FAR, "stroma")])
    chosen = Choice(("tumour",), centroids=True)(clicks)
    assert chosen.points.tolist() == [[0, 1], [2, 1]] and chosen.names == ("tumour", "tumour") and not chosen.outlines
    assert Choice(centroids=True)(clicks).points.tolist() == [[0, 1], [2, 3], [4, 5], [2, 1], [11, 12]]


def test_outlines_where_points_are_expected_are_an_error_that_offers_their_middles():
    with pytest.raises(
        ValueError,
        match=r"a\.geojson: 2 marks are outlines, not points \(no class: 1, tumour: 1\), and there are no points:"
        r" --centroids takes the middle of each",
    ):
        Choice()(marks(outlines=[Outline(SQUARE, "tumour"), Outline(FAR)]))


def test_outlines_beside_points_are_left_out_with_a_warning(caplog):
    assert len(Choice()(marks(None, outlines=[Outline(SQUARE)])).points) == 1
    assert "a.geojson: 1 marks are outlines, not points (no class: 1), and are left out beside 1 points" in caplog.text


def test_classes_that_end_in_an_asterisk_are_no_cells_unless_they_are_asked_for(caplog):
    clicks = marks(None, outlines=[Outline(SQUARE, "Ignore*")])
    assert len(Choice(centroids=True)(clicks).points) == 1 and not caplog.text
    assert Choice(("Ignore*",), centroids=True)(clicks).points.tolist() == [[2, 1]]


def test_a_class_that_no_file_has_is_an_error_that_says_which_there_are():
    files = [marks("a", "a", None), marks(outlines=[Outline(SQUARE, "b")])]
    Choice(("a", "b")).check(files)
    with pytest.raises(ValueError, match=r"no mark has the class c, d; the files hold a: 2, b: 1, no class: 1"):
        Choice(("a", "c", "d")).check(files)
    with pytest.raises(ValueError, match="the files hold none"):
        Choice(("a",)).check([marks()])


def test_classes_are_separated_by_commas():
    assert parse_classes(None) == ()
    assert parse_classes("Immune cells, tumour") == ("Immune cells", "tumour")
    with pytest.raises(ValueError, match="classes is 'a,,b': give names"):
        parse_classes("a,,b")
