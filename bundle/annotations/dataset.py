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
from .placement import Placement, onto_border, refuse_misplaced, warn_of_corner
from .regions import REGION, split_regions

logger = logging.getLogger(__name__)

RADIUS = 2.0  # px of a point in a check picture

Progress = Callable[[Iterable[tuple[str, Clicks]]], Iterable[tuple[str, Clicks]]]


def write_clicked_dataset(
    draft: Path,
    images: Mapping[str, Path],
    matched: Mapping[str, Clicks],
    choice: Choice,
    placement: Placement,
    progress: Progress = iter,
) -> int:
    """Write images/, copied as they are, points/NAME.csv and check/NAME.png, the image with its points.

    An image whose file states that it holds no object (a table of x,y with its header alone) is written with an empty
    points file. Other images without any chosen point are left out, with a warning: nobody said that they are empty.

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
    written = empty = 0
    for name, clicks in progress(matched.items()):
        picture = load_rgb(images[name])  # (H, W, 3)
        points = _chosen_points(clicks, choice, placement, picture)
        if not len(points) and not clicks.is_stated_empty:
            logger.warning(
                "%s: no point for image %s, which is left out; if it holds no object, say so by a file %s.csv with the"
                " header x,y alone",
                clicks.path,
                name,
                name,
            )
            continue
        shutil.copyfile(images[name], draft / "images" / images[name].name)
        write_points(draft / "points" / f"{name}.csv", torch.from_numpy(points).float())
        write_png(draft / "check" / f"{name}.png", dotted(picture, points, RADIUS))
        written += bool(len(points))
        empty += not len(points)
    if empty:
        logger.info("%d images are stated to hold no object", empty)
    if not written:
        raise ValueError("no image has a point: are these the right files and classes?")
    return written + empty


def _chosen_points(clicks: Clicks, choice: Choice, placement: Placement, picture: np.ndarray) -> np.ndarray:
    """Float64 (N, 2), x and y in px of the picture (H, W, 3)."""
    if not choice.centroids and split_regions(clicks, REGION)[1]:
        raise ValueError(
            f"{clicks.path}: holds regions (class {REGION}), so the rest of the image counts as not clicked: cut tiles"
            " from them, `python -m scripts.prepare_data tiles`; or delete them if every nucleus was clicked"
        )
    size = picture.shape[0], picture.shape[1]
    placed = onto_border(placement(choice(clicks)), size)
    refuse_misplaced(placed, size)
    warn_of_corner(placed, size)
    return placed.points
