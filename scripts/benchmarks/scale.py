# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""How well `--mpp auto` finds the size of nuclei, on images resampled to many spacings, and what it gives or costs."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, median

import numpy as np
from bundle.data.folder import DataFolder
from bundle.files.bundle_root import MODEL
from bundle.files.images import check_mpp
from bundle.files.labels import read_label
from bundle.files.value_rules import listed
from bundle.inference.model import load_network, segmenter_of
from bundle.inference.scale import find_spacing, usual_diameter
from bundle.inference.segmenter import Segmenter
from bundle.metrics import evaluate_label
from scripts.experiments.page import around, enter, markdown_table
from torch import Tensor
from tqdm import tqdm
from transforms.resample import resample_image, resample_label, resampled_size

logger = logging.getLogger(__name__)

CLOSE = 1.25  # factor between the found and the true size of nuclei
HEADER = (
    "um per px",
    "images",
    "found / true size, median",
    f"within a factor of {CLOSE:g}",
    "AJI, um per px stated",
    "AJI, `--mpp auto`",
)


@dataclass(frozen=True)
class Judged:
    """One image at one spacing."""

    factor: float | None  # found size over the true one; None: the scale was not found
    stated: float  # AJI with the true um per px
    auto: float  # AJI at the scale that was found; 0 where there was none


def scale(
    dataset_dir: str,
    image_mpp: float | None = None,
    model: str = str(MODEL),
    split: str = "training",
    spacings: str = "0.15,0.25,0.35,0.5,0.7,1.0",
    every: int = 1,
    page: str = "",
) -> None:
    """Resample images to many spacings and let their scale be found.

    Args:
        dataset_dir: data folder with labels.
        image_mpp: (or --mpp) um per px of its images; without it their tags are asked.
        model: weights, with their description.
        split: the part of the data set: training or testing.
        spacings: um per px that images are resampled to.
        every: 2: every second image alone, and so on.
        page: Markdown page whose table `scale` is written; without it the table is only logged.

    Raises:
        ValueError: no image has a label, or an image has no known um per px.
    """
    around(page, "scale")
    targets = [float(text) for text in listed(spacings)]
    for target in targets:
        check_mpp(target)
    segmenter = segmenter_of(load_network(model))
    pictures = list(_pictures(DataFolder(Path(dataset_dir), image_mpp, segmenter.channels), split, every))
    if not pictures:
        raise ValueError(f"{dataset_dir}: no image of the part {split!r} has a label to judge by")
    rows = []
    for target in targets:
        found = [judged(segmenter, each, target) for each in tqdm(pictures, unit="image", disable=None)]
        rows.append(_row(target, found))
    table = markdown_table(HEADER, rows)
    logger.info("%s", "\n" + table)
    enter(page, "scale", table)


def _pictures(folder: DataFolder, split: str, every: int) -> Iterator[tuple[Tensor, Tensor, float]]:
    for item in folder.items(split)[::every]:
        if item.label_path is None:
            continue
        sample = folder.load(item)
        if sample["mpp"] is None:
            raise ValueError(f"{item.image_path}: its um per px is unknown: give --mpp")
        image = sample["image"]
        yield image, read_label(item.label_path, (image.shape[-2], image.shape[-1])), sample["mpp"]


def judged(segmenter: Segmenter, picture: tuple[Tensor, Tensor, float], target: float) -> Judged:
    """Resample an image (C, H, W) and its label (1, H, W) from its um per px to another, and let the scale be found."""
    image, label, mpp = picture
    size = resampled_size((image.shape[1], image.shape[2]), mpp, target)
    image, label = resample_image(image, size), resample_label(label, size)
    stated = aji(segmenter, image, label, target)
    try:
        spacing = find_spacing(segmenter, image)
    except ValueError as error:
        logger.warning("%s", error)
        return Judged(None, stated, 0.0)
    areas = np.bincount(label.numpy().ravel())[1:]
    true_px = 2 * math.sqrt(np.median(areas[areas > 0]) / math.pi)
    return Judged(usual_diameter(segmenter) / spacing / true_px, stated, aji(segmenter, image, label, spacing))


def aji(segmenter: Segmenter, image: Tensor, label: Tensor, mpp: float) -> float:
    """AJI of an image that is taken for one of this um per px."""
    return float(evaluate_label(segmenter(image, mpp).label, label)["aji"])


def _row(target: float, found: Sequence[Judged]) -> list[str]:
    factors = [each.factor for each in found if each.factor is not None]
    close = sum(1 / CLOSE <= factor <= CLOSE for factor in factors)
    return [
        f"{target:g}",
        str(len(found)),
        f"{median(factors):.2f}" if factors else "",
        f"{close} of {len(found)}",
        f"{mean(each.stated for each in found):.3f}",
        f"{mean(each.auto for each in found):.3f}",
    ]
