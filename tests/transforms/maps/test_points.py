# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Points: merging, cropping, and the map of disks."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.maps.points import PointMap, PointMapd, crop_points, merge_duplicates, point_map, point_maps
from transforms.pixel_centres import inside
from transforms.random_streams import generator


def test_double_clicks_are_merged_in_order():
    points = torch.tensor([[5.0, 1.0], [2.0, 2.0], [5.0, 1.0], [1.0, 9.0], [5.0, 1.0]])
    merged, count = merge_duplicates(points)
    assert merged.tolist() == [[5, 1], [2, 2], [1, 9]] and count == 2
    assert merge_duplicates(torch.zeros(0, 2))[0].shape == (0, 2)


def test_inside_is_half_open():
    points = torch.tensor([[-0.5, -0.5], [3.5, 0.0], [3.4999, 1.4999], [0.0, 1.5], [float("nan"), 0.0]])
    assert inside(points, (2, 4)).tolist() == [True, False, True, False, False]


def test_a_crop_moves_and_drops_points():
    points = torch.tensor([[10.0, 20.0], [9.5, 19.5], [9.4, 20.0], [13.5, 20.0]])
    assert crop_points(points, (10, 20), (5, 4)).tolist() == [[0, 0], [-0.5, -0.5]]


def test_a_disk_by_hand():
    marked = point_map(torch.tensor([[2.0, 1.0]]), (3, 4), 1.0)
    assert marked.tolist() == [[[0, 0, 1, 0], [0, 1, 1, 1], [0, 0, 1, 0]]]


def test_a_disk_of_half_a_pixel_marks_the_points_own_pixel():
    assert point_map(torch.tensor([[1.45, 0.45]]), (2, 4), 0.5).nonzero().tolist() == [[0, 0, 1]]


def test_disks_at_the_edge_and_beyond():
    marked = point_map(torch.tensor([[-2.0, 0.0], [4.4, 1.0]]), (2, 4), 2.0)
    assert marked.tolist() == [[[1, 0, 0, 1], [0, 0, 0, 1]]]


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), count=st.integers(0, 12), radius=st.floats(0, 4))
def test_equal_to_distances_from_every_point(seed, count, radius):
    points = torch.rand(count, 2, generator=generator(seed)) * 14 - 1
    row, column = np.indices((11, 13))
    expected = np.zeros((11, 13))
    for x, y in points.double().tolist():
        expected[(column - x) ** 2 + (row - y) ** 2 <= radius**2] = 1
        if 0 <= np.floor(x + 0.5) < 13 and 0 <= np.floor(y + 0.5) < 11:
            expected[int(np.floor(y + 0.5)), int(np.floor(x + 0.5))] = 1
    assert np.array_equal(point_map(points, (11, 13), radius)[0], expected)


def test_a_batch_is_its_maps_one_by_one():
    points = [torch.tensor([[1.0, 2.0], [5.0, 5.0]]), torch.zeros(0, 2), torch.tensor([[3.0, 0.0]])]
    batch = point_maps(points, (6, 7), 1.5)
    assert batch.shape == (3, 1, 6, 7)
    assert all(torch.equal(each, point_map(alone, (6, 7), 1.5)) for each, alone in zip(batch, points, strict=True))


def test_every_image_may_have_a_radius_of_its_own():
    points = [torch.tensor([[2.0, 3.0], [5.0, -1.2]]), torch.tensor([[3.0, 1.0]])]
    batch = point_maps(points, (6, 7), [0.5, 2.2])
    assert torch.equal(batch[0], point_map(points[0], (6, 7), 0.5))
    assert torch.equal(batch[1], point_map(points[1], (6, 7), 2.2))


def test_any_device_draws_and_none_is_asked_for_a_size():
    found = point_maps([torch.rand(5, 2), torch.zeros(0, 2)], (6, 7), 1.5, device="meta")
    assert found.is_meta and found.shape == (2, 1, 6, 7) and found.dtype == torch.float32


@pytest.mark.parametrize("radius", [-1.0, float("nan"), [1.0, -1.0]])
def test_a_negative_radius_is_refused(radius):
    with pytest.raises(ValueError, match="radius"):
        point_maps([torch.zeros(1, 2)] * 2, (3, 3), radius)


def test_array_and_dictionary_form():
    points = np.array([[1.0, 0.0]], dtype=np.float32)
    found = PointMap(0.5)(points, (2, 2))
    assert isinstance(found, np.ndarray) and found.dtype == np.float32 and found.tolist() == [[[0, 1], [0, 0]]]
    data = {"points": torch.from_numpy(points), "image": torch.zeros(3, 2, 2)}
    assert PointMapd("points", 0.5)(data)["point_map"].tolist() == found.tolist()
    assert PointMap(0.5)(np.zeros((0, 2), np.float32), (2, 2)).sum() == 0
