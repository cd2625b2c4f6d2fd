# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Lite: a UNet whose encoder may know ImageNet before it sees tissue, beside a branch at full resolution.

The encoder is EfficientNet-lite0 down to a sixteenth of the resolution (0.7 million parameters), whose weights are free
for any use. It halves the image before it looks at it, so a branch of 3 x 3 convolutions keeps the outlines. The
decoder is that of `compact`.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from .compact import ResidualBlock, Up
from .efficientnet_lite import LEVELS, STAGES, EfficientNetLite0, check_published, load_pretrained
from .parts import as_prediction, make_norm, pad_to_multiple, scale_image

logger = logging.getLogger(__name__)

ENCODED = tuple(STAGES[level][1] for level in LEVELS[:4])  # channels at a half, quarter, eighth and sixteenth


class UpBeside(nn.Module):
    """`Up` with a skip of other channels: (B, coarse, H / 2, W / 2) and (B, skip, H, W) to (B, fine, H, W)."""

    def __init__(self, coarse: int, skip: int, fine: int, norm: str) -> None:
        super().__init__()
        self.beside = nn.Conv2d(skip, fine, 1)
        self.up = Up(coarse, fine, norm)

    def forward(self, coarse: Tensor, skip: Tensor) -> Tensor:
        """See the class."""
        return self.up(coarse, self.beside(skip))


class Lite(nn.Module):
    """Image (B, C, H, W) in [0, 1], any size, to (B, 3, H, W): tanh h, tanh v, logit of m.

    The encoder's batch norms keep the statistics that they come with, in training too, so that no sample depends on its
    batch; their scales and shifts learn.

    Args:
        image_channels: channels of the image, 1 or 3.
        channels: features at full resolution, and of the decoder at a half, a quarter and an eighth of it.
        norm: of the decoder and the branch at full resolution, as for `Compact`.

    Raises:
        ValueError: `channels` are not four.
    """

    def __init__(
        self, image_channels: int = 3, channels: Sequence[int] = (16, 32, 48, 64), norm: str = "layer"
    ) -> None:
        super().__init__()
        if len(channels) != 4:
            raise ValueError(f"channels is {list(channels)}: give four numbers, such as [16, 32, 48, 64]")
        self.arguments = {"image_channels": image_channels, "channels": list(channels), "norm": norm}
        self.stride = 16
        full, half, quarter, eighth = channels
        self.stem = nn.Conv2d(image_channels, full, 3, padding=1)
        self.entry = ResidualBlock(full, norm)
        self.encoder = EfficientNetLite0(scales=4)
        self.ups = nn.ModuleList(
            [
                UpBeside(ENCODED[3], ENCODED[2], eighth, norm),
                UpBeside(eighth, ENCODED[1], quarter, norm),
                UpBeside(quarter, ENCODED[0], half, norm),
                Up(half, full, norm),
            ]
        )
        self.exit = nn.Sequential(make_norm(norm, full), nn.ReLU(), nn.Conv2d(full, 3, 3, padding=1))

    def forward(self, image: Tensor) -> Tensor:
        """(B, C, H, W) to (B, 3, H, W)."""
        height, width = image.shape[2], image.shape[3]
        padded = pad_to_multiple(image, self.stride, self.stride)
        levels = [self.entry(self.stem(scale_image(padded)))]
        levels += self.encoder(padded)
        features = levels.pop()
        for up in self.ups:
            features = up(features, levels.pop())
        return as_prediction(self.exit(features))[:, :, :height, :width]

    @torch.jit.unused
    def train(self, mode: bool = True) -> Lite:
        """As any network, but the encoder's batch norms stay as they are."""
        super().train(mode)
        self.encoder.eval()
        return self

    @torch.jit.unused
    def load_encoder(self, path: str | Path) -> None:
        """Take the encoder's ImageNet weights from the file of the package; errors as `check_published`."""
        digest = check_published(path)
        self.encoder.load_state_dict(load_pretrained(path, scales=4).state_dict())
        logger.info("the encoder knows ImageNet: %s, SHA-256 %s", path, digest)
