# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""L1 cycle losses, on the scale of [-1, 1] that their weights in the paper refer to."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class ImageCycleLoss(nn.Module):
    """L1 between an image and what came back, on the [-1, 1] scale: twice the mean difference in [0, 1]."""

    def forward(self, recovered: Tensor, image: Tensor) -> Tensor:
        """(B, C, H, W) in [0, 1] twice to a scalar."""
        return 2 * (recovered.float() - image).abs().mean()


class MapCycleLoss(nn.Module):
    """L1 between a hover map and the prediction that came back, all channels on the [-1, 1] scale (plain CycleGAN)."""

    def forward(self, recovered: Tensor, hover_map: Tensor) -> Tensor:
        """(B, 3, H, W) with a logit of m, and (B, 3, H, W) with m in [0, 1], to a scalar."""
        recovered, hover_map = recovered.float(), hover_map.float()
        offsets = (recovered[:, :2] - hover_map[:, :2]).abs()  # (B, 2, H, W)
        foreground = 2 * (torch.sigmoid(recovered[:, 2:]) - hover_map[:, 2:]).abs()  # (B, 1, H, W)
        return torch.cat([offsets, foreground], dim=1).mean()
