# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Positions of crops: inside the image, side by side or at random, each once."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from bundle.metrics.crops import RandomPositions, cut_crops, grid_positions

LENGTHS = st.integers(1, 60)


def test_a_grid_spreads_from_edge_to_edge() -> None:
    assert grid_positions((1000, 256), 256) == [(0, 0), (372, 0), (744, 0)]
    assert grid_positions((10, 7), 4) == [(0, 1), (6, 1)]  # a single column lies in the middle
    assert grid_positions((8, 8), 4) == [(0, 0), (0, 4), (4, 0), (4, 4)]
    assert grid_positions((3, 8), 4) == []


@given(LENGTHS, LENGTHS, st.integers(1, 20))
def test_crops_of_a_grid_are_inside_share_no_pixel_and_no_more_would_fit(height: int, width: int, side: int) -> None:
    covered = torch.zeros(height, width, dtype=torch.int64)
    origins = grid_positions((height, width), side)
    for top, left in origins:
        assert 0 <= top <= height - side and 0 <= left <= width - side
        covered[top : top + side, left : left + side] += 1
    assert covered.max() <= 1
    assert len(origins) == (height // side) * (width // side)


@given(LENGTHS, LENGTHS, st.integers(1, 20), st.integers(1, 30))
def test_random_crops_are_inside_and_each_is_one(height: int, width: int, side: int, count: int) -> None:
    origins = RandomPositions(count)((height, width), side, 0)
    assert all(0 <= top <= height - side and 0 <= left <= width - side for top, left in origins)
    assert len(origins) == len(set(origins)) == min(count, max(height - side + 1, 0) * max(width - side + 1, 0))


def test_random_crops_depend_on_the_seed_and_the_image_alone() -> None:
    draws = [RandomPositions(8, seed)((90, 80), 16, place) for seed, place in [(0, 0), (0, 0), (0, 1), (1, 0)]]
    assert draws[0] == draws[1]
    assert draws[0] != draws[2] and draws[0] != draws[3]


def test_random_crops_reach_every_position_alike() -> None:
    counts = torch.zeros(4, 2)
    for place in range(800):
        for top, left in RandomPositions(1)((5, 3), 2, place):
            counts[top, left] += 1
    assert counts.sum() == 800
    assert ((counts - 100).abs() < 5 * 100**0.5).all()


def test_no_crop_at_all_is_refused() -> None:
    with pytest.raises(ValueError, match="0 crops per image"):
        RandomPositions(0)


def test_crops_are_the_pixels_at_their_origins() -> None:
    image = torch.arange(2 * 5 * 6).reshape(2, 5, 6)
    crops = cut_crops(image, [(0, 0), (2, 3)], 3)
    assert torch.equal(crops[0], image[:, :3, :3]) and torch.equal(crops[1], image[:, 2:, 3:])
