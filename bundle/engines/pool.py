# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Image pool: discriminators also see earlier fakes, so that the generator cannot play round in circles.

Shrivastava et al. 2017, section 2.3; 50 images as in CycleGAN (Zhu et al. 2017, section 4).
"""

from __future__ import annotations

import torch
from torch import Tensor


class ImagePool:
    """The last fakes, some of which come back in place of new ones.

    The first `size` images go in and come out unchanged. After that a new image comes out unchanged with probability
    1/2; else it takes the place of a random stored one, which comes out instead.

    Args:
        size: images kept, >= 1.

    Raises:
        ValueError: when size is below 1.
    """

    def __init__(self, size: int = 50) -> None:
        if size < 1:
            raise ValueError(f"pool size is {size}: it must be at least 1 (1 keeps one earlier image)")
        self.size = size
        self.images: Tensor | None = None  # (size, C, H, W), made when the first image comes
        self.count = 0

    def __call__(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """Hand in new fakes, get as many back, detached: float (B, C, H, W) to the same shape.

        Args:
            images: new fakes.
            generator: on the CPU, the update's own; nothing else decides which images are swapped.
        """
        images = images.detach()
        stored = self._storage(images)
        swaps = (torch.rand(len(images), generator=generator) < 0.5).tolist()
        places = torch.randint(self.size, (len(images),), generator=generator).tolist()
        handed_out = images.clone()
        for index, (swap, place) in enumerate(zip(swaps, places, strict=True)):
            if self.count < self.size:
                stored[self.count] = images[index]
                self.count += 1
            elif swap:
                handed_out[index] = stored[place]
                stored[place] = images[index]
        return handed_out

    def _storage(self, images: Tensor) -> Tensor:
        if self.images is None:
            self.images = images.new_zeros(self.size, *images.shape[1:])
        self.images = self.images.to(images.device)
        return self.images

    def state_dict(self) -> dict[str, Tensor]:
        """{"images": float (count, C, H, W)}; empty before the first image."""
        return {} if self.images is None else {"images": self.images[: self.count]}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Take over what `state_dict` gave.

        Raises:
            ValueError: when it holds more images than this pool may.
        """
        self.images, self.count = None, 0
        if "images" not in state:
            return
        images = state["images"]
        if len(images) > self.size:
            raise ValueError(f"the saved pool holds {len(images)} images, this one {self.size}: set the same pool size")
        self._storage(images)[: len(images)] = images
        self.count = len(images)
