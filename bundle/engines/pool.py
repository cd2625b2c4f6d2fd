# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Image pool: discriminators also see earlier fakes, so that the generator cannot play round in circles.

Shrivastava et al. 2017, section 2.3; 50 images as in CycleGAN (Zhu et al. 2017, section 4).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

import ignite.distributed as idist
import torch
from torch import Tensor


class ImagePool:
    """The last fakes of each place in the batch, some of which come back in place of new ones.

    Every place in the global batch has its own share of the pool, so that it does not matter on how many devices the
    batch is spread. The first images of a place go in and come out unchanged. Once its share is full, a new image comes
    out unchanged with probability 1/2; else it takes the place of a random stored one, which comes out instead.

    Args:
        size: images kept in all, divided by the places of the global batch, but at least one for each.

    Raises:
        ValueError: when size is below 1.
    """

    def __init__(self, size: int = 50) -> None:
        if size < 1:
            raise ValueError(f"pool size is {size}: it must be at least 1 (1 keeps one earlier image for each place)")
        self.size = size
        self.images: Tensor | None = None  # (B, share, C, H, W), made when the first images come
        self.count = 0  # images stored for each place

    def __call__(self, images: Tensor, generators: Sequence[torch.Generator]) -> Tensor:
        """Hand in new fakes, get as many back, detached: float (B, C, H, W) to the same shape.

        Args:
            images: new fakes, one for each place of this process.
            generators: one for each place, on the CPU; nothing else decides which images are swapped.
        """
        images = images.detach()
        stored = self._storage(images)
        share = stored.shape[1]
        if self.count < share:
            stored[:, self.count] = images
            self.count += 1
            return images
        handed_out = images.clone()
        for place, generator in enumerate(generators):
            chosen = int(torch.randint(2 * share, (1,), generator=generator))
            if chosen < share:
                handed_out[place] = stored[place, chosen]
                stored[place, chosen] = images[place]
        return handed_out

    def _storage(self, images: Tensor) -> Tensor:
        if self.images is None:
            share = max(self.size // (len(images) * idist.get_world_size()), 1)
            self.images = images.new_zeros(len(images), share, *images.shape[1:])
        if len(self.images) != len(images):
            raise ValueError(
                f"the pool has {len(self.images)} places in this process, the batch {len(images)} images: resume with"
                " the batch size that the run began with"
            )
        self.images = self.images.to(images.device)
        return self.images

    def state_dict(self) -> dict[str, Tensor]:
        """{"images": float (B, count, C, H, W)} of the places of all processes, which all must ask for it.

        Empty before the first images.
        """
        if self.images is None:
            return {}
        stored = self.images[:, : self.count].contiguous()
        return {"images": cast(Tensor, idist.all_gather(stored))}  # in the order of ranks, which is that of places

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take over this process's places of what `state_dict` gave, in as many processes or in others.

        Raises:
            ValueError: when it holds more images than this pool may, or places that processes cannot share evenly.
        """
        self.images, self.count = None, 0
        if "images" not in state:
            return
        places, processes = len(state["images"]), idist.get_world_size()
        if places % processes:
            raise ValueError(f"the saved pool has {places} places, which {processes} processes cannot share evenly")
        first = idist.get_rank() * (places // processes)
        images = state["images"][first : first + places // processes]  # (B, count, C, H, W)
        stored = self._storage(images[:, 0])
        if images.shape[1] > stored.shape[1]:
            raise ValueError(
                f"the saved pool holds {images.shape[1]} images for each of {places} places, this one at most"
                f" {stored.shape[1]}: set the same pool size"
            )
        self.count = images.shape[1]
        stored[:, : self.count] = images


class NoPool:
    """In place of `ImagePool`: discriminators see the newest fakes alone."""

    def __call__(self, images: Tensor, generators: Sequence[torch.Generator]) -> Tensor:
        """The same images, detached."""
        return images.detach()

    def state_dict(self) -> dict[str, Tensor]:
        """Nothing."""
        return {}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Nothing to take over."""
