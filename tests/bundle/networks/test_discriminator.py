# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""D_X and D_S: what a score sees, and where spectral norm stands."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn.utils.parametrize import is_parametrized

from bundle.networks.discriminator import image_discriminator, patch_discriminator


@pytest.mark.parametrize(("layers", "field"), [(1, 16), (2, 34), (3, 70)])
def test_a_score_sees_a_patch_of_known_size(layers: int, field: int) -> None:
    torch.manual_seed(0)
    judged = torch.rand(1, 3, 128, 128, requires_grad=True)
    scores = patch_discriminator(channels=4, layers=layers).double()(judged.double())
    scores[0, 0, scores.shape[2] // 2, scores.shape[3] // 2].backward()
    assert judged.grad is not None
    seen = judged.grad[0].abs().sum(0) > 0  # (H, W)
    assert int(seen.any(0).sum()) == int(seen.any(1).sum()) == field


def test_a_256_px_crop_gets_30_by_30_scores_as_in_the_paper() -> None:
    assert patch_discriminator(channels=2)(torch.rand(1, 3, 256, 256)).shape == (1, 1, 30, 30)


def test_all_three_map_channels_are_judged() -> None:
    judged = torch.rand(1, 3, 32, 32, requires_grad=True)
    patch_discriminator(channels=4, layers=1)(judged).sum().backward()
    assert judged.grad is not None
    assert (judged.grad.abs().amax(dim=(0, 2, 3)) > 0).all()


def test_every_convolution_but_the_last_has_spectral_norm_and_there_is_no_other_norm() -> None:
    modules = list(patch_discriminator(channels=4).modules())
    convolutions = [module for module in modules if isinstance(module, nn.Conv2d)]
    assert [is_parametrized(convolution) for convolution in convolutions] == [True] * 4 + [False]
    assert not any(isinstance(module, nn.InstanceNorm2d | nn.BatchNorm2d | nn.GroupNorm) for module in modules)


def test_spectral_norm_bounds_the_largest_singular_value() -> None:
    network = patch_discriminator(channels=8)
    for _ in range(20):
        network(torch.rand(1, 3, 64, 64))  # each call in training does a power iteration
    weight = network[1][0].weight.flatten(1)
    assert torch.linalg.matrix_norm(weight, 2).item() == pytest.approx(1, abs=0.02)


def test_the_image_discriminator_scales_its_images() -> None:
    network = image_discriminator(channels=4, layers=1).eval()
    image = torch.rand(1, 3, 32, 32)
    torch.testing.assert_close(network(image), network[1](2 * image - 1))
