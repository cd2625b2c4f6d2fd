# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The parts of following offsets home, by hand."""

from __future__ import annotations

import numpy as np

from transforms.basins import basins, joined, merge, rises, smooth, step_home

INDEX = np.array([[0, 1, 2], [3, -1, 4]])


def test_pixels_step_against_their_offsets():
    h = np.array([[-1, 0, 1], [-1, 0, 1]], float)
    v = np.array([[-0.1, 0, -1], [0.1, 0, 1]], float)
    # 0: right. 1: no offset, stays. 2: down-left is background, and of two equal sides the left one is free
    # 3: right is background: stays. 4: up-left
    assert step_home(np.stack([h, v]), INDEX)[[0, 1, 3, 4]].tolist() == [1, 1, 3, 1]


def test_a_blocked_diagonal_step_takes_the_longer_side():
    offsets = np.zeros((2, 2, 3))
    offsets[:, 0, 1:] = [0.5, 1], [-0.4, -0.6]  # from the last pixel home lies down-left, mostly left
    assert step_home(offsets, INDEX)[2] == 1


def test_no_step_crosses_a_jump():
    offsets = np.zeros((2, 1, 3))
    offsets[0] = -0.2, 0.2, -1  # the last pixel's home lies to the right, and its left neighbour is another's
    index = np.arange(3)[None]
    assert step_home(offsets, index).tolist() == [1, 0, 2]
    offsets[0, 0, 2] = 0.6
    assert step_home(offsets, index).tolist() == [1, 0, 1]
    offsets[1, 0, 2] = 0.4  # v must not change along a row
    assert step_home(offsets, index).tolist() == [1, 0, 2]


def test_rises_by_hand():
    h, v = np.array([[0, 0.5, -0.5], [0, 0, 0]]), np.array([[0, 0, 1.3], [0.25, 0, 0]])
    first, second, rise = rises(np.stack([h, v]), INDEX)
    assert list(zip(first.tolist(), second.tolist(), strict=True)) == [(0, 1), (1, 2), (0, 3), (2, 4)]
    # v jumps by 1.3 from 1 to 2: 1.0 beyond what noise explains; h by 0.5 from 2 down to 4: 0.2 beyond
    np.testing.assert_allclose(rise, [0.5, -1 - 1.0, 0.25, -1.3 - 0.2])


def test_parts_merge_over_borders_that_rise_on_the_mean():
    part = np.array([0, 1, 2])
    first, second = np.array([0, 0, 1]), np.array([1, 1, 2])
    assert merge(part, first, second, np.array([1.0, -0.5, -1.0])).tolist() == [0, 0, 1]
    assert merge(part, first, second, np.array([0.2, -0.5, -1.0])).tolist() == [0, 1, 2]


def test_merging_goes_on_with_the_joined_parts():
    part = np.array([0, 1, 2])
    first, second = np.array([0, 0, 1]), np.array([1, 2, 2])
    # 0 and 1 join first; the border of both with 2 then rises on the mean, which that of 1 alone does not
    assert merge(part, first, second, np.array([1.0, -0.4, 0.5])).tolist() == [0, 0, 0]


def test_joined_finds_components_and_bears_nothing():
    assert joined(np.array([0, 1, 3]), np.array([1, 0, 3]), 4).tolist() == [0, 0, 1, 2]
    assert joined(np.zeros(0, int), np.zeros(0, int)).shape == (0,)


def test_smoothing_does_not_see_the_background():
    inside = np.zeros((9, 9), bool)
    inside[3:6, 3:6] = True
    offsets = np.where(inside, 0.7, -5.0)[None].repeat(2, 0)
    np.testing.assert_allclose(smooth(offsets, inside, 1.0)[:, inside], 0.7, rtol=1e-5)
    assert smooth(offsets, inside, 0) is offsets


def test_nothing_inside_gives_nothing():
    assert not basins(np.random.default_rng(0).normal(size=(2, 5, 6)), np.zeros((5, 6), bool), 0.5).any()
