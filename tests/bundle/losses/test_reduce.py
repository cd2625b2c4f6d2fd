# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Means per crop."""

from __future__ import annotations

import torch

from bundle.losses.reduce import mean_per_crop


def test_all_pixels_count_alike_without_weights() -> None:
    values = torch.tensor([[1.0, 3.0], [5.0, 5.0]]).view(2, 1, 1, 2)
    assert mean_per_crop(values).tolist() == [2.0, 5.0]


def test_weights_choose_pixels_and_apply_to_every_channel() -> None:
    values = torch.tensor([[1.0, 3.0], [10.0, 30.0]]).view(1, 2, 1, 2)  # two channels of two pixels
    weight = torch.tensor([0.0, 2.0]).view(1, 1, 1, 2)
    assert mean_per_crop(values, weight).tolist() == [(3 + 30) / 2]


def test_a_crop_of_weight_zero_gives_zero_and_a_zero_gradient() -> None:
    values = torch.ones(1, 1, 2, 2, requires_grad=True)
    mean = mean_per_crop(values, torch.zeros(1, 1, 2, 2))
    mean.sum().backward()
    assert mean.tolist() == [0.0]
    assert values.grad is not None and (values.grad == 0).all()
