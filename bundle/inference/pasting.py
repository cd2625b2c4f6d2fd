# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Synthetic pairs without a generator: clicked nuclei, cut by ellipses, copied onto other points of their image."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from tqdm import tqdm
from transforms.instances.seeds import seed_points
from transforms.pseudo_labels.copy_paste import copy_paste
from transforms.pseudo_labels.erase import erase_nuclei
from transforms.random_streams import generator
from transforms.shapes.area_laws import AreaLaw

from ..data.training_images import EllipseTrainingImage, PointTrainingImages
from ..files.points_csv import write_points
from ..files.writers import write_image, write_label
from .painting import as_bytes

logger = logging.getLogger(__name__)

CUT, WANTED, ERASE, PASTE = 1, 2, 3, 4  # last keys of the draws


class CopyPaster:
    """Writes as many synthetic pairs as stage 2 of the method, with the same ellipses around the same points.

    Args:
        area_law: the law of METHOD section 2, its diameter in px at the model's spacing.
        mpp: the model's spacing, um per px; the pairs have it, too.
        channels: 1 (grey) or 3 (RGB).
        pairs: how many for each training image, each with other ellipses and other nuclei.
        seed: pair number i of an image depends on (seed, the image's place in the list, i) alone.
    """

    def __init__(self, area_law: AreaLaw, mpp: float, channels: int = 3, pairs: int = 1, seed: int = 0) -> None:
        self.area_law, self.mpp, self.channels, self.pairs, self.seed = area_law, mpp, channels, pairs, seed

    def pair(self, training_image: EllipseTrainingImage, place: int, number: int) -> tuple[Tensor, Tensor]:
        """Image float32 (C, H, W) in [0, 1] and label int32 (1, H, W): its nuclei on other points of it."""
        drawn = {key: generator(self.seed, place, number, key) for key in (CUT, WANTED, ERASE, PASTE)}
        points = torch.from_numpy(seed_points(training_image.points, training_image.size)).float()
        law, image = training_image.sampler.law, training_image.image.cpu()
        shapes = training_image.sampler(points, drawn[CUT])
        background = erase_nuclei(image, points, law.diameter, drawn[ERASE])
        wanted = law.draw(points, drawn[WANTED])
        return copy_paste(image, shapes, background, wanted, law.diameter, drawn[PASTE])

    def write_labels(
        self, data: Sequence[Mapping[str, Any]], output_dir: str | Path, image_mpp: float | None = None
    ) -> None:
        """Write images/NAME_i.tif, labels/NAME_i.tif, points/NAME_i.csv: a data folder; pairs that are there stay.

        Args:
            data: [{"image": path, "points": path}, ...], with "diameter" (`Diameter`) where an image has its own.
            output_dir: the folder.
            image_mpp: um per px of the images; None: what their files say.

        Raises:
            FileNotFoundError, ValueError: a file is missing or bad; no law fits the points.
        """
        folder = Path(output_dir)
        for part in ("images", "labels", "points"):
            (folder / part).mkdir(parents=True, exist_ok=True)
        training_images = PointTrainingImages(data, self.area_law, self.mpp, image_mpp, self.channels).training_images
        numbered = [
            (place, training_image, number)
            for place, training_image in enumerate(training_images)
            for number in range(self.pairs)
        ]
        for place, training_image, number in tqdm(numbered, unit="pair", disable=None):
            name = f"{training_image.name}_{number:03d}"
            if (folder / "images" / f"{name}.tif").is_file():
                continue
            image, label = self.pair(training_image, place, number)
            write_points(folder / "points" / f"{name}.csv", training_image.points)
            write_label(folder / "labels" / f"{name}.tif", label, self.mpp)
            write_image(folder / "images" / f"{name}.tif", as_bytes(image), self.mpp)  # last: the pair is whole
        logger.info("%d pairs of copied nuclei in %s", len(numbered), folder)
