# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Images that were clicked completely, with files of clicks from elsewhere, as a data folder with check pictures."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import numpy as np
import torch

from ..files.pictures import dotted, load_rgb
from ..files.points_csv import write_points
from ..files.writers import write_png
from .choice import Choice
from .clicks import Clicks
from .placement import Placement, refuse_misplaced, warn_of_corner
from .regions import REGION, split_regions

logger = logging.getLogger(__name__)

RADIUS = 2.0  # px of a point in a check picture

Progress = Callable[[Iterable[tuple[str, Clicks]]], Iterable[tuple[str, Clicks]]]


def write_dataset(
    draft: Path,
    images: Mapping[str, Path],
    matched: Mapping[str, Clicks],
    choice: Choice,
    placement: Placement,
    progress: Progress = iter,
) -> int:
    """Write images/, copied as they are, points/NAME.csv and check/NAME.png, the image with its points.

    Images without any chosen point are left out, with a warning, since nothing can be learnt from them.

    Args:
        draft: an empty folder.
        images: base name -> file.
        matched: base name -> its clicks.
        choice: which marks become points.
        placement: file -> px of the image.
        progress: wraps the loop over images.

    Returns:
        How many images were written.

    Raises:
        FileNotFoundError, ValueError: the first problem, by file; no image has a point.
    """
    choice.check(list(matched.values()))
    for part in ("images", "points", "check"):
        (draft / part).mkdir()
    written = 0
    for name, clicks in progress(matched.items()):
        picture = load_rgb(images[name])  # (H, W, 3)
        points = _points(clicks, choice, placement, picture)
        if not len(points):
            logger.warning("%s: no point for image %s, which is left out", clicks.path, name)
            continue
        shutil.copyfile(images[name], draft / "images" / images[name].name)
        write_points(draft / "points" / f"{name}.csv", torch.from_numpy(points).float())
        write_png(draft / "check" / f"{name}.png", dotted(picture, points, RADIUS))
        written += 1
    if not written:
        raise ValueError("no image has a point: are these the right files and classes?")
    return written


def _points(clicks: Clicks, choice: Choice, placement: Placement, picture: np.ndarray) -> np.ndarray:
    """Float64 (N, 2), x and y in px of the picture (H, W, 3)."""
    if not choice.centroids and split_regions(clicks, REGION)[1]:
        raise ValueError(
            f"{clicks.path}: holds regions (class {REGION}), so the rest of the image counts as not clicked: cut tiles"
            " from them, `python -m scripts.prepare_data tiles`; or delete them if every nucleus was clicked"
        )
    placed = placement(choice(clicks))
    size = picture.shape[0], picture.shape[1]
    refuse_misplaced(placed, size)
    warn_of_corner(placed, size)
    return placed.points
