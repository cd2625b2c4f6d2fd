# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Labels of real training images: what a network finds on them, corrected by their colours, split by their points.

A network that has seen ellipses, or synthetic images, knows roughly where nuclei end; an image's own colours know it
better; the points know how many there are. Together they label the images that the segmenter will meet.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from tqdm import tqdm

from transforms.colour import colour_posterior
from transforms.resample import resample_image, resample_label, resample_points, working_size
from transforms.split import split_by_points

from ..data.files import write_label
from ..data.io import load_image
from ..data.points_csv import read_points
from .segmenter import Segmenter

logger = logging.getLogger(__name__)


class Relabeller:
    """Writes a label for each training image, one instance per point.

    Args:
        segmenter: finds the hover map at the model's spacing.
        max_radius: how far from its point an object may reach, um.
        core: how far around a point the colours are those of an object, um; see `colour_posterior`.
        diameter: typical diameter of an object, um, that both lengths belong to; they are larger, as is an image's own
            diameter, in an image that has one.
    """

    def __init__(
        self, segmenter: Segmenter, max_radius: float = 10.0, core: float = 1.0, diameter: float = 6.0
    ) -> None:
        self.segmenter, self.max_radius, self.core, self.diameter = segmenter, max_radius, core, diameter

    def label(self, image: Tensor, points: Tensor, diameter: float | None = None) -> Tensor:
        """The instances of one image.

        Args:
            image: float32 (C, H, W) in [0, 1] at the model's spacing.
            points: (N, 2), x and y in its px.
            diameter: typical of its objects, um; None: that of all images.

        Returns:
            int32 (1, H, W), one instance per point.
        """
        unit = (diameter or self.diameter) / self.diameter / self.segmenter.mpp  # px per um of an object of usual size
        found = self.segmenter.hover_map(image).cpu()  # (3, H, W)
        foreground = colour_posterior(image, found[2:], points, self.core * unit)
        evidence = torch.cat([found[:2], foreground])
        return split_by_points(evidence, points, max_radius=self.max_radius * unit)

    def write_labels(
        self, data: Sequence[Mapping[str, Any]], output_dir: str | Path, image_mpp: float | None = None
    ) -> None:
        """Write labels/NAME.tif, at the size of the image, for each image; those that are there already stay.

        Args:
            data: [{"image": path, "points": path}, ...], with "diameter" (`Diameter`) where an image has its own.
            output_dir: the folder that holds labels/.
            image_mpp: um per px of the images; None: what their files say.
        """
        folder = Path(output_dir) / "labels"
        folder.mkdir(parents=True, exist_ok=True)
        for item in tqdm(data, unit="image", disable=None):
            path = folder / f"{Path(item['image']).stem}.tif"
            if path.is_file():
                continue
            loaded = load_image(item["image"], self.segmenter.channels, image_mpp)
            points = read_points(item["points"], loaded.size)
            size = working_size(loaded.size, loaded.mpp, self.segmenter.mpp)
            image, points = resample_image(loaded.image, size), resample_points(points, loaded.size, size)
            own = item["diameter"].um(loaded.mpp, self.segmenter.mpp) if "diameter" in item else None
            label = self.label(image, points, own)
            write_label(path, resample_label(label, loaded.size), loaded.mpp)
        logger.info("labels of %d real images in %s", len(data), folder)


def with_labels(data: Iterable[Mapping[str, Any]], labels_dir: str | Path) -> list[dict[str, str]]:
    """[{"image": path, ...}, ...] with the labels of the same names in another folder: [{"image", "label"}, ...]."""
    return [
        {"image": item["image"], "label": str(Path(labels_dir) / f"{Path(item['image']).stem}.tif")} for item in data
    ]
