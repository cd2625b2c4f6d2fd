# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""What lies outside the scan: programs fill it with black, in which networks that learnt from tissue see nuclei."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import max_pool2d

BLACK = 8 / 255  # of all three colours: no stained tissue is so dark
SOLID = 15  # px of a square that is all black; smaller black spots may be ink or pigment


def solid_black(images: Tensor) -> Tensor | None:
    """Where images (B, C, H, W) in [0, 1] are filled with black, (B, 1, H, W) bool; None where they are nowhere.

    Only of RGB: grey is taken for fluorescence, whose ground is dark.
    """
    if images.shape[1] != 3 or not bool((black := images.amax(dim=1, keepdim=True) < BLACK).any()):
        return None
    middle = max_pool2d((~black).float(), SOLID, 1, SOLID // 2) == 0  # of a black square, as far as it is in the image
    return max_pool2d(middle.float(), SOLID, 1, SOLID // 2) > 0


def without_black(seen: Tensor, images: Tensor) -> Tensor:
    """Maps (B, 3, H, W) of images, 0, which is no foreground, where these are filled with black."""
    black = solid_black(images)
    return seen if black is None else torch.where(black, 0, seen)
