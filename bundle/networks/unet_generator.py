# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""G as a UNet, for pairs of label and image: half of SPADE's time per update, and it can paint into real tissue; ours.

SPADE tells every layer what the label is. A generator that is shown what to paint can be told once.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from .compact import Compact
from .noise import Noise3D
from .parts import make_norm


class UNetGenerator(nn.Module):
    """Hover map (B, 3, H, W), noise and, where asked for, tissue to an image (B, C, H, W) in [0, 1], of any size.

    Args:
        image_channels: channels of the image, 1 or 3.
        global_noise: noise channels with one value per image.
        local_noise: noise channels with one value per pixel.
        style_channels: channels that say how the image is to look.
        tissue_reach: px around nuclei that are erased, where the hover map is followed by the image's tissue
            (`transforms.maps.tissue.tissue_around`); what is not erased stays as it is. 0: there is no tissue.
        channels: features per level, finest first; every further level halves the resolution.
        norm: as of `Compact`.
    """

    def __init__(
        self,
        image_channels: int = 3,
        global_noise: int = 1,
        local_noise: int = 1,
        style_channels: int = 0,
        tissue_reach: int = 0,
        channels: Sequence[int] = (16, 32, 64, 96, 128),
        norm: str = "layer",
    ) -> None:
        super().__init__()
        self.arguments = {
            **{"image_channels": image_channels, "global_noise": global_noise, "local_noise": local_noise},
            **{"style_channels": style_channels, "tissue_reach": tissue_reach},
            **{"channels": list(channels), "norm": norm},
        }
        self.tissue_reach = tissue_reach
        self.noise = Noise3D(global_noise, local_noise, style_channels)
        self.conditions = 3 + (image_channels + 1 if tissue_reach else 0)
        self.body = Compact(self.conditions + self.noise.channels, channels, norm)
        self.body.exit = nn.Sequential(
            make_norm(norm, channels[0]), nn.ReLU(), nn.Conv2d(channels[0], image_channels, 3, padding=1)
        )

    def forward(self, condition: Tensor, noise: Tensor | None = None) -> Tensor:
        """Paint an image.

        Args:
            condition: float (B, 3, H, W): h, v in [-1, 1], m in [0, 1]; with tissue (B, 3 + C + 1, H, W).
            noise: float (B, noise channels, H, W) from `self.noise.sample`; None draws anew from the global state.

        Returns:
            float (B, C, H, W) in [0, 1].

        Raises:
            ValueError: the condition has other channels, such as no tissue where it is painted into.
        """
        if condition.shape[1] != self.conditions:
            into = "into real tissue: give it labelled images, as --variant real_background does"
            raise ValueError(f"this generator paints {into if self.tissue_reach else 'whole images, without tissue'}")
        if noise is None:
            noise = self.noise.sample(len(condition), condition.shape[2:], device=condition.device)
        image = torch.sigmoid(self.body.features(torch.cat([condition, noise.to(condition.dtype)], dim=1)))
        if not self.tissue_reach:
            return image
        left, erased = condition[:, 3:-1], condition[:, -1:]
        return left + erased * image
