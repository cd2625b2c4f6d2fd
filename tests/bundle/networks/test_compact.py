# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""What is particular to Compact: its size, locality and ability to learn."""

from __future__ import annotations

import pytest
import torch

from bundle.losses.hover import HoverLoss
from bundle.networks.compact import Compact


def test_it_has_about_one_million_parameters() -> None:
    assert sum(parameter.numel() for parameter in Compact().parameters()) == pytest.approx(1e6, rel=0.15)


@pytest.mark.parametrize("norm", ["layer", "batch", "none"])
def test_inference_takes_no_statistics_over_pixels(norm: str) -> None:
    torch.manual_seed(0)
    network = Compact(channels=(4, 8), norm=norm).eval()  # sees about 20 px to each side
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    image = torch.rand(1, 3, 16, 96)
    changed = image.clone()
    changed[..., 48:] = 1 - changed[..., 48:]
    before, after = network(image), network(changed)
    assert torch.equal(before[..., :16], after[..., :16])
    assert not torch.equal(before[..., 40:], after[..., 40:])


def test_the_encoder_gives_every_level_finest_first() -> None:
    network = Compact(1, channels=(4, 8, 16)).eval()
    levels = network.encode(torch.rand(2, 1, 18, 40))  # padded to 20 x 40
    assert [tuple(level.shape) for level in levels] == [(2, 4, 20, 40), (2, 8, 10, 20), (2, 16, 5, 10)]


def test_it_learns_to_find_a_bright_square() -> None:
    torch.manual_seed(0)
    network, loss = Compact(channels=(8, 16, 32)), HoverLoss()
    truth = torch.zeros(1, 3, 32, 32)
    truth[:, 2, 10:20, 8:24] = 1
    image = 0.3 + 0.4 * truth[:, 2:].expand(1, 3, 32, 32)
    optimiser = torch.optim.Adam(network.parameters(), 1e-2)
    for _ in range(40):
        optimiser.zero_grad()
        sum(loss(network(image), truth).values()).backward()
        optimiser.step()
    found = network(image)[0, 2] > 0
    assert (found == (truth[0, 2] > 0)).float().mean() > 0.97
