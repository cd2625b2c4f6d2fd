# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Images that nobody has taken: fully synthetic points (METHOD section 2) for stage 2 to draw masks around."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor
from torch.utils.data import Dataset
from transforms.random_streams import generator
from transforms.resample import resample_points
from transforms.shapes.ellipses import EllipseSampler
from transforms.shapes.hard_core import HardCorePoints

from .training_images import PointTrainingImages

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class SyntheticPointImage:
    """Points of an image that is still to be painted.

    Attributes:
        name: base name of the image.
        points: float32 (N, 2), x and y in px.
        size: (height, width), px.
        sampler: points -> shapes of the whole image.
        style: how it is to look, float32 (2 C,), see `transforms.maps.style`.
    """

    name: str
    points: Tensor
    size: tuple[int, int]
    sampler: EllipseSampler
    style: Tensor


class SyntheticPointImages(Dataset[SyntheticPointImage]):
    """Any number of `SyntheticPointImage`s, synthetic_0001 and so on, in the likeness of real ones.

    TrainingImage i depends on (seed, i) and the real points alone: more of them begin with the fewer.

    Args:
        training_images: the real images with their points; the points are fitted to theirs, the shapes drawn as
            theirs, their styles taken in turn. Objects are of the typical size of all, also where an image has a
            diameter of its own.
        layout: the process that places points, its lengths in px at the model's spacing.
        count: how many training images.
        mpp: the model's spacing, um per px.
        size: H and W of every image, px at the model's spacing; None: those of the real images in turn.
        density: objects per mm^2 of every image; None: drawn around the mean of the real images, as they vary.
        seed: seed of every draw.

    Raises:
        ValueError: the count or the size is not positive, the points cannot be imitated, or the density is more than
            random placing can reach; the message names the largest.
    """

    def __init__(
        self,
        training_images: PointTrainingImages,
        layout: HardCorePoints,
        count: int,
        mpp: float,
        size: Sequence[int] | None = None,
        density: float | None = None,
        seed: int = 0,
    ) -> None:
        if count < 1 or (size is not None and (len(size) != 2 or min(size) < 1)):
            raise ValueError(f"{count} synthetic images of size {size}: give at least one, and [height, width] in px")
        sizes = [training_image.size for training_image in training_images.training_images]
        self.layout = layout.fit(*_in_diameters(training_images))
        self.sizes = sizes if size is None else [(int(size[0]), int(size[1]))]
        self.density = None if density is None else self._per_pixel(density, mpp)
        self.styles = [training_image.style for training_image in training_images.training_images]
        self.sampler, self.count, self.seed = training_images.sampler, count, seed
        logger.info("%d synthetic images, %s", count, self.layout)

    def _per_pixel(self, density: float, mpp: float) -> float:
        """Objects per mm^2 to points per px^2."""
        pixel = (mpp / 1000) ** 2  # mm^2
        largest = int(self.layout.largest / pixel)
        if not 0 < density <= largest:
            raise ValueError(
                f"a density of {density:g} objects per mm^2 is not possible: random placing at the spacing of these "
                f"points reaches at most {largest} per mm^2; ask for fewer objects or a smaller spacing"
            )
        return density * pixel

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> SyntheticPointImage:
        if not 0 <= index < self.count:
            raise IndexError(f"there are {self.count} synthetic images, not one of number {index}")
        size = self.sizes[index % len(self.sizes)]
        points = self.layout.draw(size, generator(self.seed, index), self.density)
        style = self.styles[index % len(self.styles)]
        return SyntheticPointImage(f"synthetic_{index + 1:04d}", points, size, self.sampler, style)


def _in_diameters(training_images: PointTrainingImages) -> tuple[list[Tensor], list[tuple[int, int]]]:
    """Points and sizes of the real images as if the objects of each were of the typical size of all."""
    points, sizes = [], []
    for training_image in training_images.training_images:
        scale = training_images.sampler.law.diameter / training_image.sampler.law.diameter
        size = (round(training_image.size[0] * scale), round(training_image.size[1] * scale))
        points.append(
            training_image.points
            if size == training_image.size
            else resample_points(training_image.points, training_image.size, size)
        )
        sizes.append(size)
    return points, sizes
