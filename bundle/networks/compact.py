# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Compact: our UNet of about one million parameters, made for two CPU cores; F in the cpu preset, and N.

Residual blocks, stride-2 convolutions down, 1 x 1 convolutions and nearest upsampling up, skips added rather than
concatenated. No norm takes statistics over pixels at inference, so a tile and a whole image agree away from borders.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn
from torch.nn import functional

from .parts import as_prediction, make_norm, pad_to_multiple, scale_image


class ResidualBlock(nn.Module):
    """x + conv(relu(conv(relu(norm(x))))), both 3 x 3; the last convolution starts at zero, so it starts as x."""

    def __init__(self, channels: int, norm: str) -> None:
        super().__init__()
        self.norm = make_norm(norm, channels)
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)
        nn.init.kaiming_normal_(self.first.weight, nonlinearity="relu")
        nn.init.zeros_(self.second.weight)

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, H, W) to the same shape."""
        branch = self.first(functional.relu(self.norm(features)))
        return features + self.second(functional.relu(branch))


class Up(nn.Module):
    """Coarse features to the next finer level: 1 x 1 convolution, nearest x2, plus the skip, one residual block."""

    def __init__(self, coarse: int, fine: int, norm: str) -> None:
        super().__init__()
        self.project = nn.Conv2d(coarse, fine, 1)
        self.block = ResidualBlock(fine, norm)

    def forward(self, coarse: Tensor, skip: Tensor) -> Tensor:
        """(B, coarse, H / 2, W / 2) and (B, fine, H, W) to (B, fine, H, W)."""
        return self.block(skip + functional.interpolate(self.project(coarse), scale_factor=2.0, mode="nearest"))


class Compact(nn.Module):
    """Image (B, C, H, W) in [0, 1], any size, to (B, 3, H, W): tanh h, tanh v, logit of m.

    Args:
        image_channels: channels of the image, 1 or 3.
        channels: features per level, finest first; every further level halves the resolution.
        norm: "layer" (default: the same in training and inference, and for real and synthetic batches alike, which F
            needs, since it sees both), "batch" (a little faster at inference; statistics mix what batches hold) or
            "none".
    """

    def __init__(
        self, image_channels: int = 3, channels: Sequence[int] = (16, 32, 64, 128), norm: str = "layer"
    ) -> None:
        super().__init__()
        self.arguments = {"image_channels": image_channels, "channels": list(channels), "norm": norm}
        self.stride = 2 ** (len(channels) - 1)
        self.stem = nn.Conv2d(image_channels, channels[0], 3, padding=1)
        self.entry = ResidualBlock(channels[0], norm)
        self.downs = nn.ModuleList(
            nn.Sequential(nn.Conv2d(fine, coarse, 3, stride=2, padding=1), ResidualBlock(coarse, norm))
            for fine, coarse in pairwise(channels)
        )
        self.bottom = ResidualBlock(channels[-1], norm)
        self.ups = nn.ModuleList(
            Up(coarse, fine, norm) for coarse, fine in zip(channels[:0:-1], channels[-2::-1], strict=True)
        )
        self.exit = nn.Sequential(make_norm(norm, channels[0]), nn.ReLU(), nn.Conv2d(channels[0], 3, 3, padding=1))

    def forward(self, image: Tensor) -> Tensor:
        """(B, C, H, W) to (B, 3, H, W)."""
        return as_prediction(self.features(image))

    def features(self, image: Tensor) -> Tensor:
        """(B, C, H, W) to what the last convolution gives, (B, K, H, W)."""
        height, width = image.shape[2], image.shape[3]
        levels = self.encode(image)
        features = levels.pop()
        for up in self.ups:
            features = up(features, levels.pop())
        return self.exit(features)[:, :, :height, :width]

    def encode(self, image: Tensor) -> list[Tensor]:
        """(B, C, H, W) to the encoder's features, finest first, each level at half the resolution of the one before.

        The image is padded to the stride, and so are they.
        """
        levels = [self.entry(self.stem(pad_to_multiple(scale_image(image), self.stride, self.stride)))]
        for down in self.downs:
            levels.append(down(levels[-1]))
        levels[-1] = self.bottom(levels[-1])
        return levels
