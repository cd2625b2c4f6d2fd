# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Outlines at a finer size: by hand, and against what the nearest id gives."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.ndimage import distance_transform_edt

from bundle.inference.outline import grow, resample_outlines
from transforms.resample import resample_image, resample_label


def test_by_hand():
    label = torch.tensor([[[0, 1, 2, 0]]])  # every px becomes two
    probability = torch.tensor([[[0.9, 0.6, 0.4, 0.9, 0.9, 0.9, 0.2, 0.6], [0.0, 0.4, 0.9, 0.9, 0.9, 0.9, 0.9, 0.1]]])
    # object 1 stands in columns 2 and 3, object 2 in 4 and 5; both reach 2 px further where it is probable
    expected = [[1, 1, 0, 1, 2, 2, 0, 2], [0, 0, 1, 1, 2, 2, 2, 0]]
    assert resample_outlines(label, probability).tolist() == [expected]


def test_what_is_farther_than_a_px_of_the_label_stays_background():
    label = torch.tensor([[[5, 0, 0, 0]]])
    assert resample_outlines(label, torch.ones(1, 2, 8)).tolist() == [[[5, 5, 5, 5, 0, 0, 0, 0]] * 2]


def test_a_disc_is_rounder_than_its_nearest_ids():
    y, x = np.mgrid[:120, :120]
    fine = torch.from_numpy((np.hypot(x - 57.3, y - 61.8) < 17).astype(np.int32))[None]
    probability = resample_image(fine.float(), (40, 40))
    coarse = (probability > 0.5).int()
    nearest = resample_label(coarse, (120, 120))
    smooth = resample_outlines(coarse, resample_image(probability, (120, 120)))
    wrong = [(found != fine).sum().item() for found in (nearest, smooth)]
    assert wrong[1] < 0.5 * wrong[0]


def test_the_same_or_a_coarser_size_takes_ids_as_they_are():
    label = torch.randint(0, 4, (1, 12, 10), generator=torch.Generator().manual_seed(0))
    assert torch.equal(resample_outlines(label, torch.zeros(1, 12, 10)), label)
    assert torch.equal(resample_outlines(label, torch.zeros(1, 6, 5)), resample_label(label, (6, 5)))


def test_nothing_stays_nothing():
    assert not resample_outlines(torch.zeros(1, 4, 4, dtype=torch.int32), torch.ones(1, 8, 8)).any()


@pytest.mark.parametrize("reach", [1.0, 1.7, 2.0, 4.5, 60.0])
def test_growing_takes_the_nearest_object_within_reach(reach):
    rng = np.random.default_rng(0)
    label = np.where(rng.random((40, 50)) < 0.02, rng.integers(1, 9, (40, 50)), 0)
    wanted = rng.random((40, 50)) < 0.7
    grown = grow(label, wanted, reach)
    distance = distance_transform_edt(label == 0)
    assert np.array_equal(grown > 0, (label > 0) | (wanted & (distance <= reach)))
    assert np.array_equal(grown[label > 0], label[label > 0])
    for y, x in zip(*np.nonzero((grown > 0) & (label == 0)), strict=True):
        rows, columns = np.nonzero(label == grown[y, x])
        assert np.hypot(rows - y, columns - x).min() == distance[y, x]


def test_of_equally_near_objects_the_upper_then_the_left_one_grows():
    assert grow(np.array([[7, 0, 4]]), np.ones((1, 3), bool), 1).tolist() == [[7, 7, 4]]
    assert grow(np.array([[2], [0], [1]]), np.ones((3, 1), bool), 1).tolist() == [[2], [2], [1]]
