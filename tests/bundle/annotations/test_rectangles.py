# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Rectangles inside polygons: against trying all of them, exact for upright ones, and inside without overlap."""

from __future__ import annotations

import math

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from bundle.annotations.rectangles import largest_rectangle, rectangles_in
from bundle.slides.grid import Box


def edges(box: Box) -> shapely.Polygon:
    """The area of the pixels of a box."""
    return shapely.box(box.left - 0.5, box.top - 0.5, box.right - 0.5, box.bottom - 0.5)


@given(st.integers(1, 6), st.integers(1, 6), st.data())
def test_the_largest_rectangle_is_what_trying_all_of_them_finds(rows, columns, data):
    cells = data.draw(st.lists(st.booleans(), min_size=rows * columns, max_size=rows * columns))
    free = np.array(cells).reshape(rows, columns)
    fewest = data.draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    sizes = [
        (bottom - top) * (right - left)
        for top in range(rows)
        for bottom in range(top + fewest[0], rows + 1)
        for left in range(columns)
        for right in range(left + fewest[1], columns + 1)
        if free[top:bottom, left:right].all()
    ]
    found = largest_rectangle(free, fewest)
    if not sizes:
        assert found is None
        return
    top, left, bottom, right = found
    assert free[top:bottom, left:right].all() and (bottom - top) * (right - left) == max(sizes)
    assert bottom - top >= fewest[0] and right - left >= fewest[1]


@settings(max_examples=10)
@given(*[st.integers(-50, 3000)] * 2, *[st.integers(1, 3000)] * 2)
def test_an_upright_rectangle_is_found_exactly(left, top, width, height):
    box = Box(left, top, left + width, top + height)
    assert list(rectangles_in(edges(box), 1)) == [box]


def test_pixels_that_are_cut_by_the_border_are_left_out():
    assert list(rectangles_in(shapely.box(2.2, 3.0, 22.7, 43.4), 10)) == [Box(3, 4, 23, 43)]
    assert list(rectangles_in(shapely.box(2.2, 3.0, 22.7, 43.4), 21)) == []


def test_an_l_becomes_two_rectangles_the_larger_first():
    tall, low = Box(0, 0, 60, 200), Box(60, 140, 160, 200)
    area = shapely.union(edges(tall), edges(low))
    assert list(rectangles_in(area, 40)) == [tall, low]
    assert list(rectangles_in(area, 61)) == []


def test_holes_are_not_covered():
    area = shapely.difference(shapely.box(-0.5, -0.5, 199.5, 199.5), shapely.box(49.5, 79.5, 109.5, 149.5))
    found = list(rectangles_in(area, 30))
    assert sum(box.width * box.height for box in found) == 200**2 - 60 * 70
    assert all(area.covers(edges(box)) for box in found)


@settings(max_examples=8)
@given(st.integers(3, 9), st.floats(100, 900), st.integers(0, 2**31))
def test_they_lie_inside_do_not_overlap_and_are_large_enough(count, radius, seed):
    drawn = np.random.default_rng(seed)
    angle, reach = np.sort(drawn.uniform(0, 2 * math.pi, count)), radius * drawn.uniform(0.5, 1, count)
    area = shapely.make_valid(shapely.Polygon(np.stack([1e5 + reach * np.cos(angle), 2e4 + reach * np.sin(angle)], 1)))
    boxes = list(rectangles_in(area, 64))
    for index, box in enumerate(boxes):
        assert min(box.width, box.height) >= 64
        assert area.buffer(1e-3).covers(edges(box))
        assert all(not box.within(other) for other in boxes[:index])


def test_a_disk_is_filled_as_well_as_one_rectangle_can():
    disk = shapely.Point(500, 500).buffer(400, quad_segs=64)
    (first, *_) = rectangles_in(disk, 300)
    assert first.width * first.height > 0.95 * (400 * math.sqrt(2)) ** 2
    assert first.width == pytest.approx(first.height, rel=0.15)
