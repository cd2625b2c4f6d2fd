# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""G: hover map and noise to an image, the OASIS form of the SPADE generator (METHOD section 4).

Park et al. 2019 (SPADE), Sushko et al. 2021 (OASIS: noise concatenated to the condition at every layer).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.parametrizations import spectral_norm

from .modulation import ModulatedInstanceNorm
from .noise import Noise3D
from .parts import pad_to_multiple

PaddingMode = Literal["zeros", "reflect", "replicate", "circular"]


class SPADE(nn.Module):
    """Instance norm whose scale and shift are computed, pixel by pixel, from the condition."""

    def __init__(self, channels: int, condition_channels: int, hidden: int, padding_mode: PaddingMode) -> None:
        super().__init__()
        self.shared = nn.Conv2d(condition_channels, hidden, 3, padding=1, padding_mode=padding_mode)
        self.modulation = nn.Conv2d(hidden, 2 * channels, 3, padding=1, padding_mode=padding_mode)

    def forward(self, features: Tensor, condition: Tensor) -> Tensor:
        """(B, C, h, w) and a condition of the same h, w to (B, C, h, w)."""
        modulation = self.modulation(functional.relu(self.shared(condition)))  # (B, 2 C, h, w): scale, shift
        return ModulatedInstanceNorm.apply(features, modulation)  # type: ignore[no-untyped-call]


class SPADEBlock(nn.Module):
    """Residual block: two SPADE, LeakyReLU, 3 x 3 convolutions; a third SPADE and a 1 x 1 one where channels change."""

    def __init__(self, inner: int, outer: int, condition_channels: int, hidden: int, padding_mode: PaddingMode) -> None:
        super().__init__()
        middle = min(inner, outer)
        self.norm_first = SPADE(inner, condition_channels, hidden, padding_mode)
        self.first = spectral_norm(nn.Conv2d(inner, middle, 3, padding=1, padding_mode=padding_mode))
        self.norm_second = SPADE(middle, condition_channels, hidden, padding_mode)
        self.second = spectral_norm(nn.Conv2d(middle, outer, 3, padding=1, padding_mode=padding_mode))
        if inner == outer:
            self.shortcut: nn.Module = KeepFeatures()
        else:
            self.shortcut = SPADEShortcut(inner, outer, condition_channels, hidden, padding_mode)

    def forward(self, features: Tensor, condition: Tensor) -> Tensor:
        """(B, inner, h, w) to (B, outer, h, w)."""
        branch = self.first(functional.leaky_relu(self.norm_first(features, condition), 0.2))
        branch = self.second(functional.leaky_relu(self.norm_second(branch, condition), 0.2))
        return self.shortcut(features, condition) + branch


class KeepFeatures(nn.Module):
    """Shortcut of a block that keeps its channels."""

    def forward(self, features: Tensor, condition: Tensor) -> Tensor:
        """The features."""
        return features


class SPADEShortcut(nn.Module):
    """Shortcut of a block that changes its channels: SPADE and a 1 x 1 convolution."""

    def __init__(self, inner: int, outer: int, condition_channels: int, hidden: int, padding_mode: PaddingMode) -> None:
        super().__init__()
        self.norm = SPADE(inner, condition_channels, hidden, padding_mode)
        self.project = spectral_norm(nn.Conv2d(inner, outer, 1, bias=False))

    def forward(self, features: Tensor, condition: Tensor) -> Tensor:
        """(B, inner, h, w) to (B, outer, h, w)."""
        return self.project(self.norm(features, condition))


class SPADEGenerator(nn.Module):
    """Hover map (B, 3, H, W) and noise to an image (B, C, H, W) in [0, 1], of any size.

    Args:
        width: features per unit of `multipliers`; 32 is the paper's size.
        in_channels: channels of the hover map.
        image_channels: channels of the image, 1 or 3.
        global_noise: noise channels with one value per image.
        local_noise: noise channels with one value per pixel.
        style_channels: channels that say how the image is to look; ours, the paper's generator has none.
        hidden: features inside each SPADE.
        multipliers: features between the blocks, in units of `width`; there is one block fewer, and the coarsest
            resolution is 1 / 2 ** (blocks - 1). (8, 8, 4, 2, 1) starts at 1/8: for small objects, and faster.
        padding_mode: of all 3 x 3 convolutions; "zeros" leaves a pale frame in the images.
    """

    def __init__(
        self,
        width: int = 32,
        in_channels: int = 3,
        image_channels: int = 3,
        global_noise: int = 1,
        local_noise: int = 1,
        style_channels: int = 0,
        hidden: int = 128,
        multipliers: Sequence[int] = (16, 16, 16, 8, 4, 2, 1),
        padding_mode: PaddingMode = "reflect",
    ) -> None:
        super().__init__()
        self.arguments = {
            **{"width": width, "in_channels": in_channels, "image_channels": image_channels},
            **{"global_noise": global_noise, "local_noise": local_noise, "style_channels": style_channels},
            **{"hidden": hidden, "multipliers": list(multipliers), "padding_mode": padding_mode},
        }
        self.noise = Noise3D(global_noise, local_noise, style_channels)
        condition = in_channels + self.noise.channels
        widths = [width * multiplier for multiplier in multipliers]
        self.stride = 2 ** (len(widths) - 2)
        self.entry = nn.Conv2d(condition, widths[0], 3, padding=1, padding_mode=padding_mode)
        self.blocks = nn.ModuleList(
            SPADEBlock(inner, outer, condition, hidden, padding_mode) for inner, outer in pairwise(widths)
        )
        self.exit = nn.Conv2d(widths[-1], image_channels, 3, padding=1, padding_mode=padding_mode)

    def forward(self, hover_map: Tensor, noise: Tensor | None = None) -> Tensor:
        """Paint an image on a hover map.

        Args:
            hover_map: float (B, 3, H, W): h, v in [-1, 1], m in [0, 1] (not a logit: see `activate_hover_map`).
            noise: float (B, noise channels, H, W) from `self.noise.sample`; None draws anew from the global state.

        Returns:
            float (B, C, H, W) in [0, 1].
        """
        height, width = hover_map.shape[2:]
        if noise is None:
            noise = self.noise.sample(len(hover_map), (height, width), device=hover_map.device)
        condition = torch.cat([hover_map, noise.to(hover_map.dtype)], dim=1)  # (B, 3 + noise, H, W)
        condition = pad_to_multiple(condition, self.stride, 2 * self.stride)
        features = self.entry(shrink(condition, self.stride))
        for index, block in enumerate(self.blocks):
            factor = self.stride >> index  # 32, 16, ..., 1 for six blocks
            features = block(features, shrink(condition, factor))
            if factor > 1:
                features = functional.interpolate(features, scale_factor=2.0, mode="nearest")
        image = torch.tanh(self.exit(functional.leaky_relu(features, 0.2)))  # (B, C, padded H, padded W)
        return ((image + 1) / 2)[:, :, :height, :width]


def shrink(condition: Tensor, factor: int) -> Tensor:
    """Every factor-th pixel of (B, C, H, W): nearest neighbour, which keeps the variance of local noise."""
    return condition[:, :, ::factor, ::factor]
