# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Training images in memory with what is known of their objects, and how a crop is cut from each kind.

Where training labels come from is a choice of data set: `PointTrainingImages` draws ellipses around the points anew
at every use, `LabelledTrainingImages` has a fixed label for each image (true outlines, masks of synthetic images, what
a network found).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset
from transforms.maps.style import image_style
from transforms.resample import resample_image, resample_label, resample_points, working_size
from transforms.shapes.area_laws import AreaLaw, Draw, fit_in_diameters
from transforms.shapes.ellipses import EllipseSampler

from ..files.labels import read_label
from ..files.points_csv import read_points
from ..files.weight_maps import read_weight
from .crops import EllipseCrop, LabelCrop
from .intensity import load_item
from .point_spacing import warn_of_spacing
from .streams import TrainingImage

logger = logging.getLogger(__name__)

POINT_RADIUS = 0.25  # um; METHOD section 5: a marked point is a disk of this radius, but at least half a px


@dataclass(frozen=True)
class EllipseTrainingImage:
    """A real image whose label is drawn anew at every crop: an ellipse around each of its points.

    Attributes:
        name: base name of the image.
        image: float32 (C, H, W) in [0, 1] at the model's spacing.
        points: float32 (N, 2) on the CPU, x and y in px of this image.
        sampler: points -> ellipses of the whole image.
        point_radius: radius of a marked point, px.
        share: how often it is drawn, beside the others.
        weight: float32 (1, H, W), how much each pixel counts; None: all alike.
    """

    name: str
    image: Tensor
    points: Tensor
    sampler: EllipseSampler
    point_radius: float
    share: float = 1.0
    weight: Tensor | None = None

    @property
    def size(self) -> tuple[int, int]:
        """(height, width), px."""
        return self.image.shape[-2], self.image.shape[-1]

    @property
    def style(self) -> Tensor:
        """How the image looks, float32 (2 C,), see `transforms.maps.style`."""
        return image_style(self.image[None])[0]

    @cached_property
    def draw_shapes(self) -> Draw:
        """Draws the shapes of the whole image from a generator."""
        return self.sampler.prepare(self.points)

    def crop(self, origin: tuple[int, int], size: tuple[int, int], generator: torch.Generator) -> EllipseCrop:
        """The window whose top-left pixel is `origin` = (x, y), with shapes drawn anew for the whole image."""
        image = _window(self.image, origin, size)
        weight = None if self.weight is None else _window(self.weight, origin, size)
        return EllipseCrop(image, origin, self.points, self.draw_shapes(generator), self.point_radius, weight)


@dataclass(frozen=True)
class LabelledTrainingImage:
    """An image with one fixed label.

    Attributes:
        name: base name of the image.
        image: float32 (C, H, W) in [0, 1] at the model's spacing.
        label: int32 (1, H, W) instance ids.
        largest_id: no id is larger.
        weight: float32 (1, H, W), how much each pixel of the label counts; None: all alike.
        share: how often it is drawn, beside the others.
    """

    name: str
    image: Tensor
    label: Tensor
    largest_id: int
    weight: Tensor | None = None
    share: float = 1.0

    @property
    def size(self) -> tuple[int, int]:
        """(height, width), px."""
        return self.image.shape[-2], self.image.shape[-1]

    def crop(self, origin: tuple[int, int], size: tuple[int, int], generator: torch.Generator) -> LabelCrop:
        """The window whose top-left pixel is `origin` = (x, y)."""
        weight = None if self.weight is None else _window(self.weight, origin, size)
        return LabelCrop(_window(self.image, origin, size), _window(self.label, origin, size), self.largest_id, weight)


class PointTrainingImages(Dataset[TrainingImage]):
    """Real images with points, as `EllipseTrainingImage`s; one area law is fitted to all their points.

    An image with a typical diameter of its own has the law in units of that, and its points enter the fit so. Images
    whose points contradict their diameter are warned of.

    Args:
        data: [{"image": path, "points": path}, ...], as `DataFolder.as_dicts` gives them, with "diameter" (`Diameter`)
            where an image has its own, and "share" where they are not drawn alike. Nothing else is opened.
        area_law: the law of METHOD section 2, its diameter in px at the model's spacing.
        mpp: the model's spacing, um per px.
        image_mpp: um per px of the images; None: what their files say. Where that is unknown, images stay as they are.
        channels: 1 (grey) or 3 (RGB).
        shapes: makes the sampler of shapes from the fitted law, e.g. `EllipseSampler` or `BlobSampler`.
        device: where images lie and crops are cut.

    Attributes:
        sampler: points -> shapes of an image without a diameter of its own.
        largest_diameter: typical diameter of the image with the largest objects, px at the model's spacing.

    Raises:
        FileNotFoundError, ValueError: a file is missing or bad; no law fits the points.
    """

    def __init__(
        self,
        data: Sequence[Mapping[str, Any]],
        area_law: AreaLaw,
        mpp: float,
        image_mpp: float | None = None,
        channels: int = 3,
        shapes: Callable[[AreaLaw], EllipseSampler] = EllipseSampler,
        device: torch.device | str = "cpu",
    ) -> None:
        loaded = [load_points(item, area_law.diameter, mpp, image_mpp, channels) for item in data]
        names = [Path(item["image"]).stem for item in data]
        points, diameters = [each.points for each in loaded], [each.diameter for each in loaded]
        warn_of_spacing(names, points, [each.size for each in loaded], diameters, mpp)
        law = fit_in_diameters(area_law, points, diameters)
        logger.info("%d images, %d points, %s", len(loaded), sum(len(each) for each in points), law)
        self.sampler, self.largest_diameter = shapes(law), max([law.diameter, *diameters])
        samplers = {own: shapes(replace(law, diameter=own)) for own in diameters} | {law.diameter: self.sampler}
        radius = max(POINT_RADIUS / mpp, 0.5)
        shares = [float(item.get("share", 1.0)) for item in data]
        self.training_images = [
            EllipseTrainingImage(name, each.image.to(device), each.points, samplers[each.diameter], radius, share)
            for name, each, share in zip(names, loaded, shares, strict=True)
        ]

    def __len__(self) -> int:
        return len(self.training_images)

    def __getitem__(self, index: int) -> EllipseTrainingImage:
        return self.training_images[index]


class LabelledTrainingImages(Dataset[TrainingImage]):
    """Images with labels, as `LabelledTrainingImage`s.

    Args:
        data: [{"image": path, "label": path}, ...], with "weight" (path) where pixels do not count alike, and "share"
            where images are not drawn alike.
        mpp: the model's spacing, um per px.
        image_mpp: um per px of the images; None: what their files say. Where that is unknown, images stay as they are.
        channels: 1 (grey) or 3 (RGB).
        device: where images lie and crops are cut.

    Raises:
        FileNotFoundError, ValueError: a file is missing or bad, or an image and its label differ in size.
    """

    def __init__(
        self,
        data: Sequence[Mapping[str, Any]],
        mpp: float,
        image_mpp: float | None = None,
        channels: int = 3,
        device: torch.device | str = "cpu",
    ) -> None:
        self.training_images = [self._load(item, mpp, image_mpp, channels, device) for item in data]

    def _load(
        self, item: Mapping[str, Any], mpp: float, image_mpp: float | None, channels: int, device: torch.device | str
    ) -> LabelledTrainingImage:
        loaded = load_item(item, channels, image_mpp)
        size = working_size(loaded.size, loaded.mpp, mpp)
        label = resample_label(read_label(item["label"], loaded.size), size)
        image, weight = resample_image(loaded.image, size), None
        if "weight" in item:
            weight = resample_label(read_weight(item["weight"], loaded.size), size).to(device)
        name, share = Path(item["image"]).stem, float(item.get("share", 1.0))
        return LabelledTrainingImage(name, image.to(device), label.to(device), int(label.max()), weight, share)

    def __len__(self) -> int:
        return len(self.training_images)

    def __getitem__(self, index: int) -> LabelledTrainingImage:
        return self.training_images[index]


@dataclass(frozen=True)
class PointedImage:
    """An image with its points, both at the model's spacing."""

    image: Tensor  # float32 (C, H, W) in [0, 1]
    points: Tensor  # float32 (N, 2), x and y in its px
    diameter: float  # typical of its objects, in its px

    @property
    def size(self) -> tuple[int, int]:
        """(height, width), px."""
        return self.image.shape[-2], self.image.shape[-1]


def load_points(
    item: Mapping[str, Any], diameter: float, mpp: float, image_mpp: float | None, channels: int
) -> PointedImage:
    """Read an image with its points, at the model's spacing.

    Args:
        item: {"image": path, "points": path}, and "diameter" (`Diameter`) where it has its own.
        diameter: typical of the other images, px at the model's spacing.
        mpp: the model's spacing, um per px.
        image_mpp: the image's, um per px; None: what its file says. Unknown: the image stays as it is.
        channels: 1 or 3.
    """
    loaded = load_item(item, channels, image_mpp)
    points = read_points(item["points"], loaded.size)
    size = working_size(loaded.size, loaded.mpp, mpp)
    own = item["diameter"].um(loaded.mpp, mpp) / mpp if "diameter" in item else diameter
    return PointedImage(resample_image(loaded.image, size), resample_points(points, loaded.size, size), own)


def _window(tensor: Tensor, origin: tuple[int, int], size: tuple[int, int]) -> Tensor:
    (x, y), (height, width) = origin, size
    return tensor[..., y : y + height, x : x + width]
