# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""G as a UNet: size, range, noise, and that real tissue stays as it is."""

from __future__ import annotations

import pytest
import torch

from bundle.networks.unet_generator import UNetGenerator
from transforms.maps.tissue import tissue_around
from transforms.random_streams import generator


def small(**changes: object) -> UNetGenerator:
    """A generator of a few thousand parameters with a stride of 4."""
    torch.manual_seed(0)
    return UNetGenerator(**({"channels": (4, 8, 8)} | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize("size", [(1, 1), (8, 8), (19, 42)])
@pytest.mark.parametrize("channels", [1, 3])
def test_any_size_gives_an_image_in_range(size: tuple[int, int], channels: int) -> None:
    image = small(image_channels=channels)(torch.rand(2, 3, *size))
    assert image.shape == (2, channels, *size)
    assert 0 <= image.min() <= image.max() <= 1


@pytest.mark.parametrize("changed", ["map", "noise", "style"])
def test_all_that_it_is_told_changes_the_image(changed: str) -> None:
    network, hover_map = small(style_channels=6), torch.rand(1, 3, 16, 16)

    def paint(name: str = "") -> torch.Tensor:
        seed, style = (4 if name == "noise" else 3), torch.full((1, 6), 0.5 if name == "style" else 0.1)
        noise = network.noise.sample(1, (16, 16), [generator(seed)], style=style)
        return network(1 - hover_map if name == "map" else hover_map, noise)

    assert torch.equal(paint(), paint()) and not torch.equal(paint(), paint(changed))


def test_what_is_not_erased_stays_and_decides_what_is_painted() -> None:
    network, hover_map = small(tissue_reach=2), torch.rand(1, 3, 24, 24)
    noise = network.noise.sample(1, (24, 24), [generator(3)])
    objects = torch.zeros(1, 1, 24, 24, dtype=torch.bool)
    objects[..., 8:12, 8:12] = True
    images = [torch.full((1, 3, 24, 24), value) for value in (0.2, 0.9)]
    painted = [network(torch.cat([hover_map, tissue_around(image, objects, 2)], 1), noise) for image in images]
    erased = tissue_around(images[0], objects, 2)[:, -1:].bool().expand_as(images[0])
    for image, own in zip(images, painted, strict=True):
        assert torch.equal(own[~erased], image[~erased]) and not torch.equal(own[erased], image[erased])
    assert not torch.equal(painted[0][erased], painted[1][erased])


@pytest.mark.parametrize(("reach", "channels"), [(2, 3), (0, 7)])
def test_tissue_where_it_is_not_expected_or_missing_is_refused(reach: int, channels: int) -> None:
    with pytest.raises(ValueError, match="real tissue: give it labelled images" if reach else "without tissue"):
        small(tissue_reach=reach)(torch.rand(1, channels, 8, 8))
