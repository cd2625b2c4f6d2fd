# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""One point for each object: where it lies, and that it lies inside."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage

from bundle.annotations.object_points import POINT_RULES, centroid_points, deepest_points
from bundle.files.labels import in_raster_order


def label_of(rows: list[list[int]]) -> torch.Tensor:
    return torch.tensor([rows], dtype=torch.int32)


def test_the_centroid_of_a_convex_object():
    assert centroid_points(label_of([[0, 1, 1, 0], [0, 1, 1, 2]])).tolist() == [[1.5, 0.5], [3, 1]]


def test_the_centroid_of_a_bent_object_moves_to_its_own_next_pixel():
    ring = label_of([[1, 1, 1], [1, 0, 1], [1, 1, 1]])
    ((x, y),) = centroid_points(ring).tolist()
    assert {abs(x - 1), abs(y - 1)} == {0, 1}  # one of the four next to the hole
    hook = label_of([[1, 1, 1, 1], [1, 0, 0, 0], [1, 0, 0, 0], [1, 0, 0, 0]])  # centroid (6/7, 6/7)
    assert centroid_points(hook).tolist() in ([[[1, 0]], [[0, 1]]])


def test_the_deepest_pixel_is_farthest_from_the_border():
    rows = np.zeros((9, 12), int)
    rows[1:8, 1:8] = 1  # a square with a tail: its deepest pixel is the square's middle
    rows[4, 8:] = 1
    assert deepest_points(label_of(rows.tolist())).tolist() == [[4, 4]]
    assert centroid_points(label_of(rows.tolist()))[0, 0] > 4.2


def test_the_image_border_counts_as_border():
    assert deepest_points(label_of([[1] * 5] * 5)).tolist() == [[2, 2]]


@pytest.mark.parametrize("rule", POINT_RULES.values())
def test_no_object_no_point(rule):
    assert rule(torch.zeros(1, 4, 4, dtype=torch.int32)).shape == (0, 2)


@pytest.mark.parametrize("rule", POINT_RULES.values())
@given(arrays(np.int32, st.tuples(st.integers(1, 9), st.integers(1, 9)), elements=st.integers(0, 4)))
def test_every_point_lies_inside_its_object(rule, array):
    label = in_raster_order(array)
    points = rule(torch.from_numpy(label[None])).numpy()
    assert points.shape == (label.max(), 2) and points.dtype == np.float32
    columns, rows = np.floor(points + 0.5).astype(int).T
    assert label[rows, columns].tolist() == list(range(1, label.max() + 1))


@given(arrays(np.int32, st.tuples(st.integers(3, 9), st.integers(3, 9)), elements=st.integers(0, 2)))
def test_depth_equals_a_slow_version(array):
    label = in_raster_order(array)
    for index, (x, y) in enumerate(deepest_points(torch.from_numpy(label[None])).int().tolist(), start=1):
        depth = ndimage.distance_transform_edt(np.pad(label == index, 1))[1:-1, 1:-1]
        assert depth[y, x] == depth.max()
