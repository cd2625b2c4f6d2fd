# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Random sequential addition: the rule by a slow loop, full planes that are full, and rates that come out as asked."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import cKDTree

from transforms.random_streams import generator
from transforms.shapes.sequential_addition import Boxes, add_points, first_come, largest_density, throws_for

ALL = 10**9


def even(size: tuple[int, int], side: int = 20) -> Boxes:
    return Boxes.over(size, np.ones((max(size[0] // side, 1), max(size[1] // side, 1))))


def first_come_slowly(points: np.ndarray, spacing: float) -> list[bool]:
    stays: list[bool] = []
    for i, point in enumerate(points):
        stays.append(all(math.dist(point, points[j]) > spacing for j in range(i) if stays[j]))
    return stays


def test_the_largest_density_by_hand():
    assert largest_density(2.0) == pytest.approx(0.547 / math.pi)  # disks of radius 1
    assert largest_density(10.0) == pytest.approx(0.0069646, rel=1e-4)


def test_who_is_pushed_out_pushes_nobody():
    points = np.array([[0.0, 0.0], [3.0, 0.0], [6.0, 0.0], [9.0, 0.0], [30.0, 0.0]])
    assert first_come(points, 4.0).tolist() == [True, False, True, False, True]


@given(st.integers(0, 10**6), st.integers(0, 60), st.floats(0.1, 8))
def test_first_come_is_first_come(seed, count, spacing):
    points = np.random.default_rng(seed).random((count, 2)) * 20
    assert first_come(points, spacing).tolist() == first_come_slowly(points, spacing)


@settings(max_examples=30)
@given(st.integers(0, 10**6), st.floats(0.3, 12), st.integers(1, 40), st.integers(1, 40))
def test_points_keep_their_spacing_and_leave_no_gap_when_all_are_asked_for(seed, spacing, height, width):
    spacing = max(spacing, math.sqrt(height * width) / 20)  # at most some hundreds of points
    points = add_points(even((height, width)), spacing, ALL, generator(seed)).astype(float)
    assert len(points) and points.min() >= -0.5 and (points < np.array([width, height]) - 0.5).all()
    tree = cKDTree(points)
    assert len(points) == 1 or tree.query(points, k=2)[0][:, 1].min() >= spacing
    place = np.random.default_rng(seed).random((5000, 2)) * [width, height] - 0.5
    assert tree.query(place)[0].max() < spacing * 1.003  # gaps as small as a thousandth of the spacing count as none


def test_a_full_plane_is_as_full_as_the_literature_has_it():
    """Away from the edges, where points stand closer."""
    counted = area = 0
    for seed in range(4):
        points = add_points(even((500, 500)), 8.0, ALL, generator(seed))
        counted += int(((points > 40) & (points < 460)).all(1).sum())
        area += 420**2
    assert counted / area == pytest.approx(largest_density(8.0), rel=0.012)


def test_no_more_points_than_asked_for():
    assert len(add_points(even((200, 200)), 5.0, 0, generator(0))) == 0
    points = add_points(even((200, 200)), 5.0, 137, generator(0))
    assert points.shape == (137, 2) and points.dtype == np.float32


def test_thin_points_follow_the_rates():
    boxes = Boxes.over((400, 900), np.array([[1.0, 2.0, 6.0]]))
    points = add_points(boxes, 0.01, 9000, generator(0))
    share = np.histogram(points[:, 0], [-0.5, 299.5, 599.5, 899.5])[0] / 9000
    assert share == pytest.approx(np.array([1, 2, 6]) / 9, abs=0.02)
    assert points[:, 1].mean() == pytest.approx(199.5, abs=4)


@pytest.mark.parametrize("shares", [(0.1, 0.3), (0.3, 0.8), (0.6, 0.9)])
def test_throws_are_as_many_as_a_share_needs(shares):
    """Two halves of one plane, filled by the same run, so that only the rates make them differ."""
    boxes = Boxes.over((500, 1000), throws_for(np.repeat(shares, 10)[None].repeat(10, 0)))
    count = round(sum(shares) / 2 * largest_density(10.0) * 500 * 1000)
    counts = np.array([0, 0])
    for seed in range(3):
        points = add_points(boxes, 10.0, count, generator(seed))
        assert len(points) == count
        counts += np.histogram(points[:, 0], [-0.5, 499.5, 999.5])[0]
    assert counts / counts.sum() == pytest.approx(np.array(shares) / sum(shares), abs=0.015)


def test_few_throws_are_all_kept():
    share = np.array([0, 1e-3, 1e-2])
    assert throws_for(share) == pytest.approx(share + 2 * 0.547 * share**2, rel=1e-3)  # 1 - 4 * 0.547 x of them


@settings(max_examples=50)
@given(st.integers(0, 10**6), st.floats(1, 15))
def test_boxes_without_room_could_keep_no_throw(seed, spacing):
    drawn = np.random.default_rng(seed)
    points = drawn.random((4, 2)) * 30
    boxes = Boxes.over((30, 30), np.arange(1.0, 65).reshape(8, 8))
    left = boxes.with_room(cKDTree(points), spacing)
    gone = boxes.take(~np.isin(boxes.rates, left.rates))
    within = gone.corners[:, None] + gone.extents[:, None] * drawn.random((len(gone), 20, 2))
    distance = np.linalg.norm(within[:, :, None] - points, axis=3).min(2)
    assert len(left) + len(gone) == 64 and (distance < spacing).all()


def test_quarters_are_the_same_area():
    boxes = Boxes.over((30, 50), np.array([[1.0, 2.0], [3.0, 4.0]]))
    quarters = boxes.quartered()
    for rate in (1.0, 2.0, 3.0, 4.0):
        [whole], parts = boxes.take(boxes.rates == rate).corners, quarters.take(quarters.rates == rate)
        assert len(parts) == 4 and parts.extents.prod(1).sum() == pytest.approx(25 * 15)
        assert parts.corners.min(0) == pytest.approx(whole)
        assert (parts.corners + parts.extents).max(0) == pytest.approx(whole + [25, 15], abs=1e-4)
        assert len(np.unique(parts.corners, axis=0)) == 4


@pytest.mark.parametrize("length", [1, 2, 7, 1000, 4097, 99_999])
def test_the_last_place_of_an_image_is_inside(length):
    boxes = Boxes.over((length, length), np.ones((3, 3)))
    last = (boxes.corners + boxes.extents).astype(np.float32).max()
    assert length - 0.501 - 1e-6 * length < last < np.float32(length - 0.5)
    assert boxes.corners.min() == -0.5
