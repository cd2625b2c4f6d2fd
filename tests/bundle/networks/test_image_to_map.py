# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""What holds for every network from image to hover map: F and N in any form."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn

from bundle.networks.compact import Compact
from bundle.networks.hovernet import HoverNet
from bundle.networks.lite import Lite
from bundle.networks.resnet import ResNetMapper

MAKERS: dict[str, Callable[[int], nn.Module]] = {
    "compact": lambda channels: Compact(channels, channels=(4, 8, 16)),
    "compact_batch": lambda channels: Compact(channels, channels=(4, 8, 16), norm="batch"),
    "compact_none": lambda channels: Compact(channels, channels=(4, 8, 16), norm="none"),
    "hovernet": lambda channels: HoverNet(channels, width=0.125),
    "hovernet_group": lambda channels: HoverNet(channels, width=0.125, norm="group"),
    "lite": lambda channels: Lite(channels, channels=(4, 6, 8, 10)),
    "resnet": lambda channels: ResNetMapper(channels, width=4, blocks=2),
}
SCRIPTED = [name for name in MAKERS if name != "resnet"]


@pytest.fixture(params=MAKERS)
def make(request: pytest.FixtureRequest) -> Callable[[int], nn.Module]:
    torch.manual_seed(0)
    return MAKERS[request.param]


@pytest.mark.parametrize("size", [(1, 1), (16, 16), (19, 42)])
def test_the_map_has_the_size_of_the_image(make: Callable[[int], nn.Module], size: tuple[int, int]) -> None:
    prediction = make(3).eval()(torch.rand(2, 3, *size))
    assert prediction.shape == (2, 3, *size)
    assert prediction.isfinite().all()


def test_grey_images_are_taken(make: Callable[[int], nn.Module]) -> None:
    assert make(1).eval()(torch.rand(1, 1, 16, 16)).shape == (1, 3, 16, 16)


def test_offsets_are_bounded_and_the_logit_is_not(make: Callable[[int], nn.Module]) -> None:
    network = make(3).eval()
    final = [module for module in network.modules() if isinstance(module, nn.Conv2d) and module.bias is not None]
    with torch.no_grad():
        for convolution in final:
            if convolution.out_channels <= 3:
                convolution.bias.fill_(9)
    prediction = network(torch.rand(1, 3, 16, 16))
    assert prediction[:, :2].max() <= 1
    assert prediction[:, 2].max() > 5


def test_the_first_convolution_sees_minus_one_to_one(make: Callable[[int], nn.Module]) -> None:
    network, seen = make(3).eval(), []
    first = next(module for module in network.modules() if isinstance(module, nn.Conv2d))
    first.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    image = torch.rand(1, 3, 16, 16)
    network(image)
    torch.testing.assert_close(seen[0], 2 * image - 1)


def test_every_weight_learns(make: Callable[[int], nn.Module]) -> None:
    network = make(3)
    with torch.no_grad():
        for parameter in network.parameters():  # some convolutions start at zero, and hide what lies before them
            parameter.add_(0.02 * torch.randn_like(parameter))
    network(torch.rand(2, 3, 16, 16)).square().sum().backward()
    gradients = {name: parameter.grad for name, parameter in network.named_parameters()}
    assert [name for name, gradient in gradients.items() if gradient is None or not gradient.isfinite().all()] == []
    assert [name for name, gradient in gradients.items() if gradient.ndim > 1 and not gradient.any()] == []


@pytest.mark.parametrize("name", SCRIPTED)
def test_torchscript_computes_the_same(name: str) -> None:
    network = MAKERS[name](3).eval()
    scripted = torch.jit.script(network)
    for size in [(16, 16), (19, 42), (3, 5)]:  # padding by nothing, by reflection, by repetition
        image = torch.rand(1, 3, *size)
        torch.testing.assert_close(scripted(image), network(image))


@pytest.mark.parametrize("name", ["compact", "compact_none", "hovernet", "hovernet_group", "lite"])
def test_a_sample_does_not_depend_on_its_batch(name: str) -> None:
    network = MAKERS[name](3).double().train()
    images = torch.rand(3, 3, 16, 16, dtype=torch.float64)
    torch.testing.assert_close(network(images)[1:2], network(images[1:2]), atol=1e-9, rtol=0)
