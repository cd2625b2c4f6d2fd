# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""G: size, range, noise, borders and spectral norm of the SPADE generator."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn.utils.parametrize import is_parametrized

from bundle.networks.noise import Noise3D
from bundle.networks.spade import SPADEGenerator
from transforms.random_streams import generator

SHALLOW = (4, 4, 2, 1)


def small(**changes: object) -> SPADEGenerator:
    """A generator of a few thousand parameters with a stride of 4."""
    torch.manual_seed(0)
    return SPADEGenerator(**({"width": 4, "hidden": 8, "multipliers": SHALLOW} | changes))  # type: ignore[arg-type]


def test_the_papers_size_has_its_number_of_parameters() -> None:
    with torch.device("meta"):
        network = SPADEGenerator(width=32, global_noise=1, local_noise=0)
    assert sum(parameter.numel() for parameter in network.parameters()) == pytest.approx(22.3e6, rel=0.002)
    assert network.stride == 32


@pytest.mark.parametrize("size", [(1, 1), (8, 8), (19, 42)])
def test_any_size_gives_an_image_in_range(size: tuple[int, int]) -> None:
    image = small()(torch.rand(2, 3, *size))
    assert image.shape == (2, 3, *size)
    assert 0 <= image.min() <= image.max() <= 1


def test_the_full_depth_takes_a_size_below_its_stride() -> None:
    assert SPADEGenerator(width=1, hidden=4)(torch.rand(1, 3, 20, 70)).shape == (1, 3, 20, 70)


def test_grey_images_are_made() -> None:
    assert small(image_channels=1)(torch.rand(1, 3, 8, 8)).shape == (1, 1, 8, 8)


def test_noise_is_drawn_anew_at_every_call() -> None:
    network, hover_map = small(), torch.rand(1, 3, 16, 16)
    assert not torch.equal(network(hover_map), network(hover_map))


def test_the_same_noise_gives_the_same_image() -> None:
    network, hover_map = small().eval(), torch.rand(1, 3, 16, 16)
    noise = network.noise.sample(1, (16, 16), [generator(3)])
    assert torch.equal(network(hover_map, noise), network(hover_map, noise))


@pytest.mark.parametrize(("first", "step"), [(0, 4), (2, 4), (1, 2)])
def test_every_channel_of_condition_and_noise_enters_at_every_resolution(first: int, step: int) -> None:
    network = small().eval()
    nn.init.zeros_(network.entry.weight)  # what the image knows of the condition, it knows from the SPADE layers
    condition = torch.rand(1, 5, 16, 16, generator=generator(0)).requires_grad_()
    network(condition[:, :3], condition[:, 3:]).square().sum().backward()
    assert condition.grad is not None  # pixels 0, 4, ... reach all blocks, 2, 6, ... the last two, odd ones the last
    assert (condition.grad[:, :, first::step, first::step].abs().amax(dim=(0, 2, 3)) > 0).all()


def test_the_entry_sees_the_condition() -> None:
    network, seen = small(), []
    network.entry.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    hover_map, noise = torch.rand(1, 3, 16, 16), torch.rand(1, 2, 16, 16)
    network(hover_map, noise)
    assert torch.equal(seen[0], torch.cat([hover_map, noise], dim=1)[:, :, ::4, ::4])


def test_reflect_padding_leaves_no_frame_and_zeros_do() -> None:
    plain = torch.zeros(1, 3, 32, 32)
    noise = torch.ones(1, 2, 32, 32)
    spread = {
        mode: small(padding_mode=mode).eval()(plain, noise).std(dim=(2, 3)).max() for mode in ("reflect", "zeros")
    }
    assert spread["reflect"] < 1e-5
    assert spread["zeros"] > 1e-3


def test_block_convolutions_have_spectral_norm_and_spade_layers_have_not() -> None:
    network = small()
    normed = {name for name, module in network.named_modules() if is_parametrized(module)}
    convolutions = {name for name, module in network.named_modules() if isinstance(module, nn.Conv2d)}
    assert normed == {name for name in convolutions if name.endswith((".first", ".second", ".project"))}
    assert len(normed) == 3 * 2 + 2  # two per block, and a shortcut where channels change


def test_two_calls_before_one_backward_are_allowed() -> None:
    network = small()
    first, second = network(torch.rand(1, 3, 8, 8)), network(torch.rand(1, 3, 8, 8))
    (first.mean() + second.mean()).backward()
    assert all(parameter.grad is not None for parameter in network.parameters())


def test_it_states_its_own_noise() -> None:
    assert isinstance(small().noise, Noise3D)
    assert small(global_noise=2, local_noise=0).noise.channels == 2
