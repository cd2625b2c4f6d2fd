# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""3D noise: the part of G's condition beside the mask, with global and local channels (METHOD section 4).

A global channel is one value per image, replicated: what varies between slides. A local channel is one value per pixel:
what varies from place to place. Both are one tensor at image size, which G resizes by nearest neighbour for each layer;
averaging would take the variance out of the local channel. Style channels, which are ours, are not drawn but given:
one value per image, replicated, that says how the image is to look.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


class Noise3D:
    """Draws the noise tensor of a batch.

    Args:
        global_channels: channels with one standard normal value per image.
        local_channels: channels with one standard normal value per pixel.
        style_channels: channels with one given value per image.
    """

    def __init__(self, global_channels: int = 1, local_channels: int = 1, style_channels: int = 0) -> None:
        self.global_channels = global_channels
        self.local_channels = local_channels
        self.style_channels = style_channels

    @property
    def channels(self) -> int:
        """Channels in all."""
        return self.global_channels + self.local_channels + self.style_channels

    def sample(
        self,
        batch: int,
        size: Sequence[int],
        generators: Sequence[torch.Generator] | None = None,
        device: torch.device | str = "cpu",
        style: Tensor | None = None,
    ) -> Tensor:
        """Draw the noise of `batch` images.

        Args:
            batch: number of images.
            size: height and width, px.
            generators: one per image, drawn from on its own device; None draws from the global state on `device`.
            device: where the result lives.
            style: float (batch, style channels), of each image; needed where there are style channels.

        Returns:
            float32 (batch, channels, H, W): the global channels, the local ones, the style.

        Raises:
            ValueError: when the number of generators is not `batch`, or the style is not of this shape.
        """
        per_image: Sequence[torch.Generator | None] = [None] * batch if generators is None else generators
        if len(per_image) != batch:
            raise ValueError(f"{len(per_image)} generators for {batch} images: give one per image")
        noise = torch.stack([self._one(size, generator, device) for generator in per_image])  # (B, channels, H, W)
        if not self.style_channels:
            return noise
        if style is None or style.shape != (batch, self.style_channels):
            raise ValueError(
                f"style is {None if style is None else tuple(style.shape)}: this generator is told the style of each"
                f" image, ({batch}, {self.style_channels})"
            )
        return torch.cat([noise, style.to(device)[:, :, None, None].expand(-1, -1, *noise.shape[2:])], dim=1)

    def _one(self, size: Sequence[int], generator: torch.Generator | None, device: torch.device | str) -> Tensor:
        """Noise of one image, (channels, H, W)."""
        height, width = int(size[0]), int(size[1])
        source = device if generator is None else generator.device
        constant = torch.randn(self.global_channels, 1, 1, generator=generator, device=source)
        local = torch.randn(self.local_channels, height, width, generator=generator, device=source)
        return torch.cat([constant.expand(-1, height, width), local]).to(device)
