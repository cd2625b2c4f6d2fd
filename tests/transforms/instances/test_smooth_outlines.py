# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Holes are filled and outlines smoothed as scipy does it for one object at a time, and no object is lost."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import binary_fill_holes, gaussian_filter
from skimage.draw import disk
from skimage.measure import label as components

from transforms.instances.smooth_outlines import TRUNCATE, fill_holes, smooth_outlines


def random_label(seed, size=(120, 140), share=0.45):
    """Objects of any form, with holes, that touch each other and the border."""
    noise = gaussian_filter(np.random.default_rng(seed).normal(size=size), 2.0)
    found = components(noise > np.quantile(noise, 1 - share))
    blocks = np.arange(size[0])[:, None] // 30 * 10 + np.arange(size[1]) // 35  # parts regions that are too large
    return components(np.where(found > 0, found * 100 + blocks, 0), background=0).astype(np.int32)


def one_at_a_time(label, sigma):
    smooth = np.zeros_like(label)
    lost = []
    for number in range(1, label.max() + 1):
        own = label == number
        kept = gaussian_filter(own.astype(np.float64), sigma, truncate=TRUNCATE) > 0.5
        if kept.sum() < own.sum() / 2:
            lost.append(number)
        else:
            smooth[kept] = number
    return smooth, lost


@pytest.mark.parametrize("seed", range(5))
def test_holes_are_those_that_scipy_fills(seed):
    label = random_label(seed)
    filled = fill_holes(label)
    for number in range(1, label.max() + 1):
        own = label == number
        hole = binary_fill_holes(own) & ~own
        new = (filled == number) & ~own
        assert not (new & ~hole).any()  # nothing but holes
        parts = components(hole, connectivity=1)
        for part in range(1, parts.max() + 1):
            empty = (label[parts == part] == 0).all()
            if empty and (parts == part).sum() < own.sum():
                assert new[parts == part].all()


@pytest.mark.parametrize("sigma", [(1.0, 1.0), (2.0, 2.0), (1.5, 0.7)])
@pytest.mark.parametrize("seed", range(3))
def test_outlines_are_those_of_a_gaussian_over_each_object(seed, sigma):
    label = fill_holes(random_label(seed))
    smooth, (expected, lost) = smooth_outlines(label, sigma), one_at_a_time(label, sigma)
    whole = ~np.isin(smooth, lost) & ~np.isin(label, lost)
    assert len(lost) < label.max() and (smooth[whole] == expected[whole]).mean() > 0.9999  # float32, and exact halves


def test_a_ring_becomes_a_disc_and_a_spike_goes():
    label = np.zeros((60, 60), np.int32)
    label[disk((30, 30), 12)] = 7
    label[disk((30, 30), 4)] = 0
    label[30, 42:55] = 7
    smooth = smooth_outlines(label, (2.0, 2.0))
    assert smooth[30, 30] == 7 and smooth[30, 50] == 0
    inside = np.zeros((60, 60), bool)
    inside[disk((30, 30), 12)] = True
    assert ((smooth == 7) & inside).sum() / ((smooth == 7) | inside).sum() > 0.97


def test_a_hole_that_holds_another_object_or_is_larger_than_its_own_stays():
    label = np.zeros((80, 80), np.int32)
    label[disk((40, 40), 15)] = 1
    label[disk((40, 40), 9)] = 0
    label[disk((40, 40), 3)] = 2
    np.testing.assert_array_equal(fill_holes(label), label)
    thin = np.zeros((80, 80), np.int32)
    thin[disk((40, 40), 30)] = 1
    thin[disk((40, 40), 28)] = 0
    np.testing.assert_array_equal(fill_holes(thin), thin)


def test_no_object_is_lost_however_small():
    label = np.zeros((20, 20), np.int32)
    label[3, 3], label[10, 4:16], label[15, 15:17] = 1, 2, 3
    assert set(np.unique(smooth_outlines(label, (3.0, 3.0)))) == {0, 1, 2, 3}


def test_a_tiny_object_between_large_ones_keeps_its_pixels():
    label = np.ones((30, 30), np.int32)
    label[15:], label[14:16, 10:12], label[20, 20] = 3, 2, 4
    smooth = smooth_outlines(label, (2.0, 2.0))
    assert (smooth[14:16, 10:12] == 2).all() and smooth[20, 20] == 4 and set(np.unique(smooth)) == {1, 2, 3, 4}


def test_an_object_at_the_border_is_not_pulled_away_from_it():
    label = np.zeros((40, 40), np.int32)
    label[:, :12] = 1
    np.testing.assert_array_equal(smooth_outlines(label, (2.0, 2.0)), label)


def test_an_object_depends_on_itself_alone_wherever_it_lies():
    label = random_label(3)
    moved = np.pad(label, ((5, 11), (7, 2)))
    inner = label[20:100, 20:120]
    whole = (
        set(np.unique(inner))
        - set(np.unique(label[:20]))
        - set(np.unique(label[100:]))
        - set(np.unique(label[:, :20]))
        - set(np.unique(label[:, 120:]))
    )
    assert len(whole) > 3
    one, other = smooth_outlines(label, (1.5, 1.5)), smooth_outlines(moved, (1.5, 1.5))[5:-11, 7:-2]
    for number in whole:
        np.testing.assert_array_equal(one == number, other == number)


def test_nothing_is_done_where_nothing_is_asked_for_or_there():
    label = random_label(0)
    assert smooth_outlines(label, (0, 0)) is label
    assert not smooth_outlines(np.zeros((5, 6), np.int32), (2.0, 2.0)).any()
    assert smooth_outlines(label.astype(np.uint16), (1.0, 1.0)).dtype == np.uint16
