# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Training streams: endless batches of random crops, cut from scenes that lie in memory on the training device.

A scene is one image with what is known of it; a stream draws crops from many scenes. Batch n depends on (seed, n)
alone, so a stream that is set to a position goes on exactly as if it had never stopped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import torch
from torch import Tensor

from transforms.hover import hover_map
from transforms.random import generator

Batch = dict[str, Tensor]
Augmentation = Callable[[Batch, list[torch.Generator]], Batch]


class Scene(Protocol):
    """One training image, named, of a size (height, width) in px; `crop` cuts a window with all that belongs to it."""

    @property
    def name(self) -> str:
        """Base name of the image."""

    @property
    def size(self) -> tuple[int, int]:
        """(height, width), px."""

    def crop(self, origin: tuple[int, int], size: tuple[int, int], generator: torch.Generator) -> Batch:
        """Cut the window whose top-left pixel is `origin` = (x, y) as {"image": (C, h, w), "label": (1, h, w), ...}."""


class CropStream:
    """Batches of random crops, with augmentation, and with the hover map of each crop computed last.

    Args:
        scenes: the images to cut from, each as likely as the others.
        crop_size: (height, width) of a crop, px.
        batch_size: crops in a batch.
        updates: batches in an epoch.
        seed: seed of every draw.
        augmentations: batched transforms, applied in order before the hover map is computed.

    Raises:
        ValueError: when there is no scene, when one is smaller than a crop, or when batches or epochs would be empty.
    """

    def __init__(
        self,
        scenes: Sequence[Scene],
        crop_size: Sequence[int],
        batch_size: int,
        updates: int,
        seed: int = 0,
        augmentations: Sequence[Augmentation] = (),
    ) -> None:
        if not scenes:
            raise ValueError("no images to train on: the list of training images is empty")
        if batch_size < 1 or updates < 1:
            raise ValueError(f"{updates} updates of {batch_size} crops make no epoch: both must be at least 1")
        height, width = crop_size
        for scene in scenes:
            if scene.size[0] < height or scene.size[1] < width:
                raise ValueError(
                    f"image {scene.name} is {scene.size[1]} x {scene.size[0]} px at the model's spacing, smaller than"
                    f" the crop of {width} x {height} px: choose a smaller crop_size or leave the image out"
                )
        self.scenes, self.crop_size = list(scenes), (int(height), int(width))
        self.batch_size, self.updates, self.seed = batch_size, updates, seed
        self.augmentations = list(augmentations)
        self.position = 0

    def __len__(self) -> int:
        return self.updates

    def __iter__(self) -> Iterator[Batch]:
        """The rest of the present epoch, or a whole one where an epoch has just ended."""
        for step in range(self.position, (self.position // self.updates + 1) * self.updates):
            self.position = step + 1
            yield self.batch(step)

    def set_position(self, step: int) -> None:
        """Go on with update `step`, counted from 0 over all epochs."""
        self.position = step

    def batch(self, step: int) -> Batch:
        """Batch number `step`: {"image": (B, C, h, w), "label": (B, 1, h, w), "hover_map": (B, 3, h, w), ...}."""
        generators = [generator(self.seed, step, index) for index in range(self.batch_size)]
        crops = [self._crop(drawn) for drawn in generators]
        batch = {key: torch.stack([crop[key] for crop in crops]) for key in crops[0]}
        for augment in self.augmentations:
            batch = augment(batch, generators)
        return batch | {"hover_map": hover_map(batch["label"])}

    def _crop(self, drawn: torch.Generator) -> Batch:
        scene = self.scenes[_integer(len(self.scenes), drawn)]
        (height, width), (crop_height, crop_width) = scene.size, self.crop_size
        origin = (_integer(width - crop_width + 1, drawn), _integer(height - crop_height + 1, drawn))
        return scene.crop(origin, self.crop_size, drawn)


class UnpairedStream:
    """Masks of one stream with images of another: crops that have nothing to do with each other.

    Args:
        masks: the stream whose label, hover map and points are kept.
        images: the stream whose image replaces theirs; another seed, or other scenes.
    """

    def __init__(self, masks: CropStream, images: CropStream) -> None:
        self.masks, self.images = masks, images

    def __len__(self) -> int:
        return len(self.masks)

    def __iter__(self) -> Iterator[Batch]:
        """The rest of the present epoch, or a whole one where an epoch has just ended."""
        for batch, other in zip(self.masks, self.images, strict=True):
            yield batch | {"image": other["image"]}

    def set_position(self, step: int) -> None:
        """Go on with update `step`, counted from 0 over all epochs."""
        self.masks.set_position(step)
        self.images.set_position(step)


def _integer(end: int, drawn: torch.Generator) -> int:
    return int(torch.randint(end, (1,), generator=drawn))
