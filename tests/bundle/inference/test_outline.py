# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Outlines at a finer size: by hand, and against what the nearest id gives."""

from __future__ import annotations

import numpy as np
import torch

from bundle.inference.outline import resample_outlines
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
