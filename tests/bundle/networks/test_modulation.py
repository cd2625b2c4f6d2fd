# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The modulated instance norm against torch's own, its gradients against finite differences."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from bundle.networks.modulation import ModulatedInstanceNorm


def inputs(dtype=torch.float64, size=(4, 5)):
    drawn = torch.Generator().manual_seed(0)
    features = 3 * torch.randn(2, 3, *size, dtype=torch.float64, generator=drawn) + 5
    modulation = torch.randn(2, 6, *size, dtype=torch.float64, generator=drawn)
    return [each.to(dtype, memory_format=torch.channels_last).requires_grad_() for each in (features, modulation)]


def plain(features, modulation):
    scale, shift = modulation.chunk(2, dim=1)
    return functional.instance_norm(features) * (1 + scale) + shift


def test_equal_to_torchs_norm_and_its_gradients():
    ours, theirs = inputs(), inputs()
    out, expected = ModulatedInstanceNorm.apply(*ours), plain(*theirs)
    torch.testing.assert_close(out, expected)
    weights = torch.randn_like(expected)
    for gradient, other in zip(
        torch.autograd.grad(out, ours, weights), torch.autograd.grad(expected, theirs, weights), strict=True
    ):
        torch.testing.assert_close(gradient, other)


def test_gradients_are_those_of_finite_differences():
    assert torch.autograd.gradcheck(ModulatedInstanceNorm.apply, inputs(size=(2, 3)))


def test_channels_that_do_not_vary_are_zero_before_the_shift():
    features, modulation = torch.full((1, 1, 3, 3), 7.0), torch.ones(1, 2, 3, 3)
    assert torch.equal(ModulatedInstanceNorm.apply(features, modulation), torch.ones(1, 1, 3, 3))


@pytest.mark.parametrize("layout", [torch.channels_last, torch.contiguous_format])
def test_half_precision_keeps_statistics_whole(layout):
    """A mean of 500 with an sd of 3: bfloat16 statistics would be off by more than the sd."""
    features, modulation = inputs(torch.float32, size=(64, 64))
    features = (features.detach() + 500).to(torch.bfloat16).contiguous(memory_format=layout)
    nothing = torch.zeros_like(modulation, dtype=torch.bfloat16)
    out = ModulatedInstanceNorm.apply(features, nothing)
    assert out.dtype == torch.bfloat16
    torch.testing.assert_close(out.float(), plain(features.float(), nothing.float()), atol=0.02, rtol=0.02)


def test_the_layout_is_kept():
    features, modulation = inputs(torch.float32, size=(8, 8))
    out = ModulatedInstanceNorm.apply(features, modulation)
    assert out.is_contiguous(memory_format=torch.channels_last)
