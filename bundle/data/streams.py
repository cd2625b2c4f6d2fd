# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Training streams: endless batches of random crops, cut from images that lie in memory on the training device.

A training image is an image with what is known of it; a stream draws crops from many. Where crops lie, and every
random number, is decided on the CPU; pixels are copied and drawn on the device, a batch at a time, and nothing waits
for it.
Batch n depends on (seed, n) alone, so a stream that is set to a position goes on exactly as if it had never stopped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

import ignite.distributed as idist
import torch
from torch import Tensor
from transforms.maps.hover import hover_map
from transforms.maps.hover_static import static_hover_map
from transforms.random_streams import generator

from .items import some

Batch = dict[str, Tensor]
Augmentation = Callable[[Batch, list[torch.Generator]], Batch]
MAPS = {"label": "hover_map", "known_label": "known_map"}  # labels of a batch, and what their hover maps are called


class Crop(Protocol):
    """A window of a training image with all that belongs to it; crops of one kind are made into a batch together."""

    @property
    def largest_id(self) -> int:
        """No id of its label is larger; known without asking the device, which would be waiting for it."""

    @staticmethod
    def stack(crops: Sequence[Any]) -> Batch:
        """{"image": (B, C, h, w), "label": (B, 1, h, w), ...} of crops of this kind, on the device of their images."""


class TrainingImage(Protocol):
    """One training image, named, of a size (height, width) in px, drawn by its share."""

    @property
    def name(self) -> str:
        """Base name of the image."""

    @property
    def size(self) -> tuple[int, int]:
        """(height, width), px."""

    @property
    def share(self) -> float:
        """How often it is drawn, beside the others."""

    def crop(self, origin: tuple[int, int], size: tuple[int, int], generator: torch.Generator) -> Crop:
        """The window whose top-left pixel is `origin` = (x, y), of size (h, w), px."""


class CropStream:
    """Batches of random crops, with augmentation, and with the hover map of each crop computed last.

    Crops are drawn with replacement, several from one image, so that a single image fills batches of any size. Where
    several processes train together each has a stream of its own: they cut the crops of one batch between them.

    Args:
        training_images: the images to cut from, each drawn by its share.
        crop_size: (height, width) of a crop, px.
        batch_size: crops in a batch of this process.
        updates: batches in an epoch.
        seed: seed of every draw.
        augmentations: batched transforms, applied in order before the hover map is computed.

    Raises:
        ValueError: when there is no training image, when they are of different kinds, when one is smaller than a crop,
            or when batches or epochs would be empty.
    """

    def __init__(
        self,
        training_images: Sequence[TrainingImage],
        crop_size: Sequence[int],
        batch_size: int,
        updates: int,
        seed: int = 0,
        augmentations: Sequence[Augmentation] = (),
    ) -> None:
        if not training_images:
            raise ValueError("no images to train on: the list of training images is empty")
        if batch_size < 1 or updates < 1:
            raise ValueError(f"{updates} updates of {batch_size} crops make no epoch: both must be at least 1")
        if len(kinds := {type(training_image).__name__ for training_image in training_images}) > 1:
            raise ValueError(
                f"training images are of different kinds, {sorted(kinds)}: train on one kind of data set at a time"
            )
        height, width = crop_size
        sizes = {training_image.name: training_image.size for training_image in training_images}
        if small := [f"{name} ({w} x {h} px)" for name, (h, w) in sizes.items() if h < height or w < width]:
            raise ValueError(
                f"{len(small)} of {len(sizes)} images are, at the model's spacing, smaller than the crop of {width} x"
                f" {height} px: {some(small)}: choose a smaller crop_size or leave them out"
            )
        self.training_images, self.crop_size = list(training_images), (int(height), int(width))
        shares = torch.tensor([each.share for each in training_images], dtype=torch.float64)
        self.shares = None if (shares == shares[0]).all() else shares.cumsum(0)  # None: all alike
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
        first = idist.get_rank() * self.batch_size  # place in the batch of all processes
        generators = [generator(self.seed, step, first + index) for index in range(self.batch_size)]
        crops = [self._crop(drawn) for drawn in generators]
        largest_id = max(crop.largest_id for crop in crops)
        batch = self._shown(type(crops[0]).stack(crops), largest_id, generators)
        for augment in self.augmentations:
            batch = augment(batch, generators)
        return batch | {MAPS[key]: batch_hover_map(batch[key], largest_id) for key in MAPS if key in batch}

    def _shown(self, batch: Batch, largest_id: int, generators: list[torch.Generator]) -> Batch:
        """The crops as they are augmented; a kind of stream that shows other images replaces them."""
        return batch

    def _crop(self, drawn: torch.Generator) -> Crop:
        training_image = self._training_image(drawn)
        (height, width), (crop_height, crop_width) = training_image.size, self.crop_size
        origin = (_integer(width - crop_width + 1, drawn), _integer(height - crop_height + 1, drawn))
        return training_image.crop(origin, self.crop_size, drawn)

    def _training_image(self, drawn: torch.Generator) -> TrainingImage:
        if self.shares is None:
            return self.training_images[_integer(len(self.training_images), drawn)]
        place = torch.rand((), generator=drawn, dtype=torch.float64) * self.shares[-1]
        index = int(torch.searchsorted(self.shares, place, right=True))
        return self.training_images[min(index, len(self.training_images) - 1)]


class UnpairedStream:
    """Masks of one stream with images of another: crops that have nothing to do with each other.

    Args:
        masks: the stream whose label, hover map and points are kept.
        images: the stream whose image replaces theirs; another seed, or other training images.
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


def batch_hover_map(label: Tensor, largest_id: int) -> Tensor:
    """Hover map (B, 3, h, w) of a label (B, 1, h, w) without ids above `largest_id`, as is fastest on its device."""
    return hover_map(label) if label.device.type == "cpu" else static_hover_map(label, largest_id)


def _integer(end: int, drawn: torch.Generator) -> int:
    return int(torch.randint(end, (1,), generator=drawn))
