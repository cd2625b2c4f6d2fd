# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Black around a scan holds no nuclei, whatever a network sees in it; dark spots in tissue stay."""

from __future__ import annotations

import torch
from torch import nn

from bundle.inference.outside import SOLID, solid_black, without_black
from bundle.inference.segmenter import Segmenter


def test_squares_of_black_are_outside_and_small_spots_are_not():
    image = torch.full((1, 3, 60, 80), 0.9)
    image[..., 40:] = 0.02  # the right half
    image[0, :, 10:20, 10:20] = 0  # a spot, smaller than SOLID
    black = solid_black(image)
    expected = torch.zeros(1, 1, 60, 80, dtype=torch.bool)
    expected[..., 40:] = True
    assert SOLID == 15 and torch.equal(black, expected)
    assert torch.equal(without_black(torch.ones(1, 3, 60, 80), image), (~expected).float().expand(1, 3, 60, 80))


def test_grey_images_and_images_without_black_stay_as_they_are():
    seen = torch.ones(2, 3, 30, 30)
    assert solid_black(torch.zeros(2, 1, 30, 30)) is None and solid_black(torch.full((2, 3, 30, 30), 0.5)) is None
    assert without_black(seen, torch.full((2, 3, 30, 30), 0.5)) is seen


class Foreground(nn.Module):
    """Sees foreground everywhere."""

    def forward(self, image):
        return torch.full_like(image, 5.0)


def test_a_segmenter_finds_nothing_in_black():
    image = torch.full((3, 64, 96), 0.8)
    image[:, :, 48:] = 0
    seen = Segmenter(Foreground(), 0.5).hover_map(image)
    assert (seen[2, :, :48] > 0.9).all() and (seen[:, :, 48:] == 0).all()
