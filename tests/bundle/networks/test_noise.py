# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""3D noise: global channels vary between images, local ones between pixels, and generators rule both."""

from __future__ import annotations

import pytest
import torch

from bundle.networks.noise import Noise3D
from bundle.networks.spade import shrink
from transforms.random_streams import generator


def test_global_channels_are_constant_in_an_image_and_differ_between_images() -> None:
    noise = Noise3D(2, 1).sample(4, (6, 5))
    assert noise.shape == (4, 3, 6, 5)
    assert (noise[:, :2] == noise[:, :2, :1, :1]).all()
    assert len(set(noise[:, :2, 0, 0].flatten().tolist())) == 8


def test_local_channels_are_standard_normal_and_stay_so_when_shrunk() -> None:
    local = Noise3D(0, 1).sample(1, (256, 256), [generator(0)])
    assert local.mean().item() == pytest.approx(0, abs=0.02)
    assert local.std().item() == pytest.approx(1, abs=0.02)
    assert shrink(local, 8).shape == (1, 1, 32, 32)
    assert shrink(local, 8).std().item() == pytest.approx(1, abs=0.1)


def test_shrinking_is_nearest_interpolation() -> None:
    condition = torch.rand(2, 3, 16, 24)
    expected = torch.nn.functional.interpolate(condition, scale_factor=1 / 8, mode="nearest")
    assert torch.equal(shrink(condition, 8), expected)


def test_an_image_depends_on_its_own_generator_alone() -> None:
    noise = Noise3D(1, 1)
    both = noise.sample(2, (4, 4), [generator(0, 1), generator(0, 2)])
    alone = noise.sample(1, (4, 4), [generator(0, 2)])
    assert torch.equal(both[1:], alone)
    assert not torch.equal(both[:1], alone)


def test_no_channels_is_a_tensor_without_channels() -> None:
    assert Noise3D(0, 0).sample(2, (4, 4)).shape == (2, 0, 4, 4)


def test_a_wrong_number_of_generators_is_refused() -> None:
    with pytest.raises(ValueError, match="1 generators for 2 images"):
        Noise3D().sample(2, (4, 4), [generator(0)])
