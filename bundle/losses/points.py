# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""What points say of the pixels around them: an object where one was clicked, none where nobody clicked nearby.

The first is the paper's point loss (section 2). The second is ours: whoever clicks every object says as much about
where there is none, and F, left alone, finds too many.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from .reduce import mean_per_crop


class PointLoss(nn.Module):
    """-log m, mean over the marked pixels of a crop, then over crops; a crop without points contributes 0."""

    def forward(self, prediction: Tensor, point_map: Tensor) -> Tensor:
        """Punish a low m at the points.

        Args:
            prediction: float (B, 3, H, W) as F returns it; the last channel is the logit of m.
            point_map: float (B, 1, H, W), 1 at marked pixels, else 0.

        Returns:
            scalar >= 0, finite for any logit.
        """
        return mean_per_crop(-functional.logsigmoid(prediction[:, 2:].float()), point_map).mean()


class BackgroundLoss(nn.Module):
    """-log(1 - m), mean over the pixels of a crop that no object can reach, then over crops.

    A pixel counts when no marked pixel lies within `distance` of it in x and in y, and when it is further than that
    from the crop's border, behind which unseen points may lie.

    Args:
        distance: px, how far an object may reach from its point.
    """

    def __init__(self, distance: float) -> None:
        super().__init__()
        self.reach = round(distance)

    def forward(self, prediction: Tensor, point_map: Tensor) -> Tensor:
        """Punish a high m far from all points.

        Args:
            prediction: float (B, 3, H, W) as F returns it; the last channel is the logit of m.
            point_map: float (B, 1, H, W), 1 at marked pixels, else 0.

        Returns:
            scalar >= 0, finite for any logit; 0 for crops too small to hold such a pixel.
        """
        side = 2 * self.reach + 1
        near = functional.max_pool2d(point_map, (side, 1), 1, (self.reach, 0))  # columns, then rows: much faster
        near = functional.max_pool2d(near, (1, side), 1, (0, self.reach))  # (B, 1, H, W)
        inner = torch.zeros_like(near)
        inner[..., self.reach : near.shape[2] - self.reach, self.reach : near.shape[3] - self.reach] = 1
        return mean_per_crop(-functional.logsigmoid(-prediction[:, 2:].float()), inner * (1 - near)).mean()
