# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The plain CycleGAN's hover map to image generator; its other face is in test_image_to_map."""

from __future__ import annotations

import pytest
import torch

from bundle.networks.resnet import ResNetGenerator


def test_nine_blocks_have_cyclegans_number_of_parameters() -> None:
    with torch.device("meta"):
        network = ResNetGenerator()
    assert sum(parameter.numel() for parameter in network.parameters()) == pytest.approx(11.378e6, rel=1e-3)


@pytest.mark.parametrize("size", [(1, 1), (19, 42)])
def test_any_size_gives_an_image_in_range(size: tuple[int, int]) -> None:
    image = ResNetGenerator(width=4, blocks=1)(torch.rand(2, 3, *size))
    assert image.shape == (2, 3, *size)
    assert 0 <= image.min() <= image.max() <= 1


def test_it_is_deterministic_without_noise_and_varies_with_it() -> None:
    hover_map = torch.rand(1, 3, 16, 16)
    plain, noisy = ResNetGenerator(width=4, blocks=1), ResNetGenerator(width=4, blocks=1, local_noise=1)
    assert torch.equal(plain(hover_map), plain(hover_map))
    assert not torch.equal(noisy(hover_map), noisy(hover_map))


def test_foreground_enters_as_minus_one_or_one() -> None:
    network, seen = ResNetGenerator(width=4, blocks=1), []
    network.body.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    hover_map = torch.zeros(1, 3, 16, 16)
    hover_map[:, 2, :8] = 1
    network(hover_map)
    assert (seen[0][:, 2, :8] == 1).all() and (seen[0][:, 2, 8:] == -1).all() and (seen[0][:, :2] == 0).all()
