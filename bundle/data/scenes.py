# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Scenes: training images in memory with what is known of their objects, and how a crop is cut from each kind.

Where training labels come from is a choice of data set: `PointScenes` draws ellipses around the points anew at every
use, `LabelScenes` has a fixed label for each image (true outlines, masks of synthetic images, what a network found).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.utils.data import Dataset

from transforms.draw import draw_label
from transforms.ellipses import EllipseSampler
from transforms.laws import AreaLaw
from transforms.points import point_map
from transforms.resample import resample_image, resample_label, resample_points, working_size

from .io import load_image
from .labels import read_label
from .points_csv import read_points
from .streams import Batch, Scene

logger = logging.getLogger(__name__)

POINT_RADIUS = 0.25  # um; METHOD section 5: a marked point is a disk of this radius, but at least half a px


@dataclass(frozen=True)
class EllipseScene:
    """A real image whose label is drawn anew at every crop: an ellipse around each of its points.

    Attributes:
        name: base name of the image.
        image: float32 (C, H, W) in [0, 1] at the model's spacing.
        points: float32 (N, 2), x and y in px of this image.
        sampler: points -> ellipses of the whole image.
        point_radius: radius of a marked point, px.
    """

    name: str
    image: Tensor
    points: Tensor
    sampler: EllipseSampler
    point_radius: float

    @property
    def size(self) -> tuple[int, int]:
        """(height, width), px."""
        return self.image.shape[-2], self.image.shape[-1]

    def crop(self, origin: tuple[int, int], size: tuple[int, int], generator: torch.Generator) -> Batch:
        """image (C, h, w), label (1, h, w) int32, point_map (1, h, w); the ellipses belong to the whole image."""
        ellipses = self.sampler(self.points, generator)
        points = self.points.double() - torch.tensor(origin)  # those outside may still mark pixels inside
        return {
            "image": _window(self.image, origin, size),
            "label": draw_label(ellipses, size, origin).to(self.image.device),
            "point_map": point_map(points, size, self.point_radius).to(self.image.device),
        }


@dataclass(frozen=True)
class LabelledScene:
    """An image with one fixed label.

    Attributes:
        name: base name of the image.
        image: float32 (C, H, W) in [0, 1] at the model's spacing.
        label: int32 (1, H, W) instance ids.
    """

    name: str
    image: Tensor
    label: Tensor

    @property
    def size(self) -> tuple[int, int]:
        """(height, width), px."""
        return self.image.shape[-2], self.image.shape[-1]

    def crop(self, origin: tuple[int, int], size: tuple[int, int], generator: torch.Generator) -> Batch:
        """image (C, h, w) and label (1, h, w) int32."""
        return {"image": _window(self.image, origin, size), "label": _window(self.label, origin, size)}


class PointScenes(Dataset[Scene]):
    """Real images with points, as `EllipseScene`s; the area law is fitted to all their points.

    Args:
        data: [{"image": path, "points": path}, ...], as `DataFolder.as_dicts` gives them. Nothing else is opened.
        area_law: the law of METHOD section 2, its diameter in px at the model's spacing.
        mpp: the model's spacing, um per px.
        image_mpp: um per px of the images; None: what their files say. Where that is unknown, images stay as they are.
        channels: 1 (grey) or 3 (RGB).
        shapes: makes the sampler of shapes from the fitted law, e.g. `EllipseSampler` or `BlobSampler`.
        device: where images lie and crops are cut.

    Raises:
        FileNotFoundError, ValueError: a file is missing or bad; no law fits the points.
    """

    def __init__(
        self,
        data: Sequence[Mapping[str, str]],
        area_law: AreaLaw,
        mpp: float,
        image_mpp: float | None = None,
        channels: int = 3,
        shapes: Callable[[AreaLaw], EllipseSampler] = EllipseSampler,
        device: torch.device | str = "cpu",
    ) -> None:
        loaded = [load_points(item["image"], item["points"], mpp, image_mpp, channels) for item in data]
        law = area_law.fit([points for _, points in loaded])
        logger.info("%d images, %d points, %s", len(loaded), sum(len(points) for _, points in loaded), law)
        self.sampler = shapes(law)
        radius = max(POINT_RADIUS / mpp, 0.5)
        self.scenes = [
            EllipseScene(Path(item["image"]).stem, image.to(device), points, self.sampler, radius)
            for item, (image, points) in zip(data, loaded, strict=True)
        ]

    def __len__(self) -> int:
        return len(self.scenes)

    def __getitem__(self, index: int) -> EllipseScene:
        return self.scenes[index]


class LabelScenes(Dataset[Scene]):
    """Images with labels, as `LabelledScene`s.

    Args:
        data: [{"image": path, "label": path}, ...].
        mpp: the model's spacing, um per px.
        image_mpp: um per px of the images; None: what their files say. Where that is unknown, images stay as they are.
        channels: 1 (grey) or 3 (RGB).
        device: where images lie and crops are cut.

    Raises:
        FileNotFoundError, ValueError: a file is missing or bad, or an image and its label differ in size.
    """

    def __init__(
        self,
        data: Sequence[Mapping[str, str]],
        mpp: float,
        image_mpp: float | None = None,
        channels: int = 3,
        device: torch.device | str = "cpu",
    ) -> None:
        self.scenes = [self._load(item, mpp, image_mpp, channels, device) for item in data]

    def _load(
        self,
        item: Mapping[str, str],
        mpp: float,
        image_mpp: float | None,
        channels: int,
        device: torch.device | str,
    ) -> LabelledScene:
        loaded = load_image(item["image"], channels, image_mpp)
        size = working_size(loaded.size, loaded.mpp, mpp)
        label = resample_label(read_label(item["label"], loaded.size), size)
        return LabelledScene(Path(item["image"]).stem, resample_image(loaded.image, size).to(device), label.to(device))

    def __len__(self) -> int:
        return len(self.scenes)

    def __getitem__(self, index: int) -> LabelledScene:
        return self.scenes[index]


def load_points(
    image_path: str | Path, points_path: str | Path, mpp: float, image_mpp: float | None, channels: int
) -> tuple[Tensor, Tensor]:
    """An image and its points at the model's spacing: float32 (C, H, W) in [0, 1] and (N, 2) in its px.

    Args:
        image_path: the image.
        points_path: its points.
        mpp: the model's spacing, um per px.
        image_mpp: the image's, um per px; None: what its file says. Unknown: the image stays as it is.
        channels: 1 or 3.
    """
    loaded = load_image(image_path, channels, image_mpp)
    points = read_points(points_path, loaded.size)
    size = working_size(loaded.size, loaded.mpp, mpp)
    return resample_image(loaded.image, size), resample_points(points, loaded.size, size)


def _window(tensor: Tensor, origin: tuple[int, int], size: tuple[int, int]) -> Tensor:
    (x, y), (height, width) = origin, size
    return tensor[..., y : y + height, x : x + width]
