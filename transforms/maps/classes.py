# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Instance label to three classes, background, inside and boundary: what a network like CNN3 learns.

Kumar et al. 2017 give the outlines of nuclei a class of their own, so that nuclei that touch stay apart. Their scripts
make it one px wide at 20 x (0.5 um) on both sides of an outline. Here it is the inner side alone: inside and boundary
together are the object, to the pixel, and the background is the background of a hover map.
"""

from __future__ import annotations

import torch
from monai.config import NdarrayOrTensor

from .hover import as_label

BACKGROUND, INSIDE, BOUNDARY = 0, 1, 2


def class_map(label: NdarrayOrTensor, boundary: float) -> torch.Tensor:
    """The class of every pixel; computed on the label's device, which is never waited for.

    Args:
        label: (1, H, W) or (B, 1, H, W), any integer type, 0 = background.
        boundary: px; pixels of an object with the background, or another object, no further away than this are
            boundary. At least 1, the nearest that a pixel can be. Beyond the image's edge there is nothing.

    Returns:
        int64, the label's shape: BACKGROUND, INSIDE or BOUNDARY.

    Raises:
        TypeError: the label is not of an integer type.
        ValueError: the label is not (1, H, W) or (B, 1, H, W), or `boundary` is below 1.
    """
    if boundary < 1:
        raise ValueError(f"a boundary of {boundary:g} px has no pixels: give at least 1, or work at a finer spacing")
    ids = as_label(label)
    near = torch.zeros_like(ids, dtype=torch.bool)
    for down, right in half_disk(boundary):
        here, there = shifted_views(ids, down, right)
        differs = here != there
        for side in shifted_views(near, down, right):
            side |= differs
    return torch.where(ids > 0, torch.where(near, BOUNDARY, INSIDE), BACKGROUND)


def half_disk(radius: float) -> list[tuple[int, int]]:
    """Steps (down, right), px, to the pixels within a radius; of each step and its opposite only one."""
    reach = int(radius)
    steps = [(down, right) for down in range(reach + 1) for right in range(-reach, reach + 1)]
    return [(down, right) for down, right in steps if (down, right) > (0, 0) and down**2 + right**2 <= radius**2]


def shifted_views(image: torch.Tensor, down: int, right: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Two views of an image (..., H, W), a step apart, down >= 0: all pixels that have a partner, and the partners."""
    height, width = image.shape[-2:]
    left, first = max(-right, 0), max(right, 0)
    here = image[..., : max(height - down, 0), left : max(width - first, left)]
    there = image[..., down:, first : max(width - left, first)]
    return here, there
