# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""3D noise: the random part of G's condition, with global and local channels (METHOD section 4).

A global channel is one value per image, replicated: what varies between slides. A local channel is one value per pixel:
what varies from place to place. Both are one tensor at image size, which G resizes by nearest neighbour for each layer;
averaging would take the variance out of the local channel.
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
    """

    def __init__(self, global_channels: int = 1, local_channels: int = 1) -> None:
        self.global_channels = global_channels
        self.local_channels = local_channels

    @property
    def channels(self) -> int:
        """Channels in all."""
        return self.global_channels + self.local_channels

    def sample(
        self,
        batch: int,
        size: Sequence[int],
        generators: Sequence[torch.Generator] | None = None,
        device: torch.device | str = "cpu",
    ) -> Tensor:
        """Draw the noise of `batch` images.

        Args:
            batch: number of images.
            size: height and width, px.
            generators: one per image, drawn from on its own device; None draws from the global state on `device`.
            device: where the result lives.

        Returns:
            float32 (batch, global + local channels, H, W), the global channels first.

        Raises:
            ValueError: when the number of generators is not `batch`.
        """
        per_image: Sequence[torch.Generator | None] = [None] * batch if generators is None else generators
        if len(per_image) != batch:
            raise ValueError(f"{len(per_image)} generators for {batch} images: give one per image")
        return torch.stack([self._one(size, generator, device) for generator in per_image])  # (B, channels, H, W)

    def _one(self, size: Sequence[int], generator: torch.Generator | None, device: torch.device | str) -> Tensor:
        """Noise of one image, (channels, H, W)."""
        height, width = int(size[0]), int(size[1])
        source = device if generator is None else generator.device
        constant = torch.randn(self.global_channels, 1, 1, generator=generator, device=source)
        local = torch.randn(self.local_channels, height, width, generator=generator, device=source)
        return torch.cat([constant.expand(-1, height, width), local]).to(device)
