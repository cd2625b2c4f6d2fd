# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The parts of following offsets home, by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse.csgraph import connected_components

from transforms.instances.follow_offsets import (
    as_arrays,
    basins,
    borders,
    components_of,
    meeting,
    merge_parts,
    step_home,
)

INSIDE = np.array([[True, True, True], [True, False, True]])


def framed(array: np.ndarray) -> np.ndarray:
    """An array (..., H, W) with a frame of zeros."""
    return np.pad(array, [(0, 0)] * (array.ndim - 2) + [(1, 1), (1, 1)])


def homes(offsets: np.ndarray, inside: np.ndarray) -> list[int]:
    """Where each foreground pixel steps to, both as numbers of foreground pixels in raster order."""
    place = np.flatnonzero(framed(inside))
    return np.searchsorted(place, step_home(framed(offsets), framed(inside), place)).tolist()


def test_pixels_step_against_their_offsets():
    h = np.array([[-1, 0, 1], [-1, 0, 1]], float)
    v = np.array([[-0.1, 0, -1], [0.1, 0, 1]], float)
    # 0: right. 1: no offset, stays. 2: down-left is background, and of two equal sides the left one is free
    # 3: right is background: stays. 4: up-left
    found = homes(np.stack([h, v]), INSIDE)
    assert [found[pixel] for pixel in (0, 1, 3, 4)] == [1, 1, 3, 1]


def test_a_blocked_diagonal_step_takes_the_longer_side():
    offsets = np.zeros((2, 2, 3))
    offsets[:, 0, 1:] = [0.5, 1], [-0.4, -0.6]  # from the last pixel home lies down-left, mostly left
    assert homes(offsets, INSIDE)[2] == 1


def test_no_step_crosses_a_jump():
    offsets = np.zeros((2, 1, 3))
    offsets[0] = -0.2, 0.2, -1  # the last pixel's home lies to the right, and its left neighbour is another's
    inside = np.ones((1, 3), bool)
    assert homes(offsets, inside) == [1, 0, 2]
    offsets[0, 0, 2] = 0.6
    assert homes(offsets, inside) == [1, 0, 1]
    offsets[1, 0, 2] = 0.4  # v must not change along a row
    assert homes(offsets, inside) == [1, 0, 2]


def test_no_step_leaves_the_image_or_comes_in_on_the_other_side():
    offsets = np.ones((2, 3, 4))
    offsets[:, :, 2:] = -1  # home lies up-left in the left half and down-right in the right half
    # the diagonal is taken where it stays inside; on the image's rim neither it nor, for equal sides, a part of it
    assert homes(offsets, np.ones((3, 4), bool)) == [0, 1, 7, 3, 4, 0, 11, 7, 8, 4, 10, 11]


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(st.integers(0, 10**6), max_size=300), st.sampled_from(["any", "path", "ring"]))
def test_paths_that_meet_share_a_basin(targets, kind):
    count = len(targets)
    step = {
        "any": np.array(targets, int) % max(count, 1),
        "path": np.maximum(np.arange(count) - 1, 0),
        "ring": (np.arange(count) + 1) % max(count, 1),
    }[kind]
    found = meeting(step)
    graph = np.zeros((count, count), bool)
    graph[np.arange(count), step] = True
    expected = connected_components(graph, directed=False)[1] if count else np.zeros(0, int)
    same = found[:, None] == found
    assert np.array_equal(same, expected[:, None] == expected)
    assert sorted(set(found.tolist())) == list(range(len(set(expected.tolist()))))


def test_rises_at_borders_by_hand():
    h, v = np.array([[0, 0.5, -0.5], [0, 0, 0]]), np.array([[0, 0, 1.3], [0.25, 0, 0]])
    label = np.array([[1, 2, 3], [4, 0, 5]])
    first, second, rise = borders(framed(np.stack([h, v])), framed(label))
    assert list(zip(first.tolist(), second.tolist(), strict=True)) == [(1, 2), (2, 3), (1, 4), (3, 5)]
    # v jumps by 1.3 from 2 to 3: 1.0 beyond what noise explains; h by 0.5 from 3 down to 5: 0.2 beyond
    np.testing.assert_allclose(rise, [0.5, -1 - 1.0, 0.25, -1.3 - 0.2])


def test_there_is_no_border_inside_an_object():
    assert borders(np.zeros((2, 4, 4)), framed(np.full((2, 2), 7)))[0].size == 0


def test_parts_merge_over_borders_that_rise_on_the_mean():
    first, second = np.array([0, 0, 1]), np.array([1, 1, 2])
    assert merge_parts(3, first, second, np.array([1.0, -0.5, -1.0])).tolist() == [0, 0, 1]
    assert merge_parts(3, first, second, np.array([0.2, -0.5, -1.0])).tolist() == [0, 1, 2]


def test_merging_goes_on_with_the_joined_parts():
    first, second = np.array([0, 0, 1]), np.array([1, 2, 2])
    # 0 and 1 join first; the border of both with 2 then rises on the mean, which that of 1 alone does not
    assert merge_parts(3, first, second, np.array([1.0, -0.4, 0.5])).tolist() == [0, 0, 0]


def test_joined_finds_components_and_bears_nothing():
    assert components_of(np.array([0, 1, 3]), np.array([1, 0, 3]), 4).tolist() == [0, 0, 1, 2]
    assert components_of(np.zeros(0, int), np.zeros(0, int), 0).shape == (0,)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_one_value_that_is_no_number_is_found(bad):
    hover_map = torch.zeros(3, 30, 40)
    as_arrays(hover_map)
    hover_map[1, 29, 39] = bad
    with pytest.raises(ValueError, match="NaN or infinity"):
        as_arrays(hover_map)


def test_nothing_inside_gives_nothing():
    assert not basins(np.random.default_rng(0).normal(size=(2, 5, 6)), np.zeros((5, 6), bool), 0.5).any()
