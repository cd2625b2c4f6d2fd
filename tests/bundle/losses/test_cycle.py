# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Cycle losses on the [-1, 1] scale, with numbers worked by hand."""

from __future__ import annotations

import math

import pytest
import torch

from bundle.losses.cycle import ImageCycleLoss, MapCycleLoss


def test_black_for_white_costs_two() -> None:
    assert ImageCycleLoss()(torch.zeros(1, 3, 2, 2), torch.ones(1, 3, 2, 2)).item() == 2


def test_images_are_compared_as_scaled_to_minus_one_and_one() -> None:
    recovered, image = torch.rand(2, 3, 4, 4), torch.rand(2, 3, 4, 4)
    expected = ((2 * recovered - 1) - (2 * image - 1)).abs().mean()
    torch.testing.assert_close(ImageCycleLoss()(recovered, image), expected)


def test_maps_are_compared_with_m_on_the_same_scale_as_the_offsets() -> None:
    recovered = torch.tensor([0.5, -0.25, math.log(3)]).view(1, 3, 1, 1)  # m = 3/4, scaled 1/2
    hover_map = torch.tensor([0.0, 0.25, 1.0]).view(1, 3, 1, 1)
    assert MapCycleLoss()(recovered, hover_map).item() == pytest.approx((0.5 + 0.5 + 0.5) / 3)
