# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""From the numbers in a file to px of the image, where the picture clicked on was not the image itself."""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass, replace

import numpy as np
import shapely
import torch
from transforms.pixel_centres import HALF_PIXEL, inside
from transforms.size import Size

from .clicks import PX, UM, Clicks, Outline

logger = logging.getLogger(__name__)

FEWEST, CORNER = 20, 0.5  # so many points, all in this part of the width and of the height, are suspicious


@dataclass(frozen=True)
class Placement:
    """What to do with coordinates before they count as px of the image; in this order.

    Attributes:
        swap: exchange x and y.
        unit: length of a px in the file's coordinates (0.25 where they are um at 0.25 um per px), whose zero is the
            centre of the first pixel unless the format says otherwise; None: not stated, they are px.
        scale: the image is so many times as large as the copy that was clicked on; edges lie on edges.
        shift: px of the image, added to x and y: -0.5 for a program that measures from the corner.
    """

    swap: bool = False
    unit: float | None = None
    scale: float = 1.0
    shift: float = 0.0

    def __post_init__(self) -> None:
        for name in ("unit", "scale"):
            value = 1.0 if name == "unit" and self.unit is None else getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
                raise ValueError(f"{name} is {value!r}: give a positive number")
        if isinstance(self.shift, bool) or not isinstance(self.shift, int | float) or not math.isfinite(self.shift):
            raise ValueError(f"shift is {self.shift!r}: give a number of px, such as -0.5")

    def place(self, points: np.ndarray, from_corner: bool = False) -> np.ndarray:
        """Points (N, 2) of the file as points (N, 2) of the image."""
        ordered = points[:, ::-1] if self.swap else points
        offset = 0.0 if from_corner else HALF_PIXEL
        return (ordered / (self.unit or 1.0) + offset) * self.scale - HALF_PIXEL + self.shift

    def __call__(self, clicks: Clicks) -> Clicks:
        """All marks of a file in px of the image; ValueError where they are no px and nobody says how long a px is."""
        if clicks.unit != PX:
            return replace(clicks, points=self._measured(clicks), unit=PX, from_corner=False)
        outlines = tuple(Outline(shapely.transform(each.area, self.place), each.name) for each in clicks.outlines)
        size = clicks.size and (round(clicks.size[0] * self.scale), round(clicks.size[1] * self.scale))
        return replace(clicks, points=self.place(clicks.points), outlines=outlines, size=size)

    def _measured(self, clicks: Clicks) -> np.ndarray:
        if self.unit is not None:
            return self.place(clicks.points, clicks.from_corner)
        if clicks.unit == UM:
            raise ValueError(
                f"{clicks.path}: its coordinates are um: give --unit, um per px of the image, such as 0.25"
            )
        raise ValueError(
            f"{clicks.path}: is a Results table of ImageJ, whose X and Y are px or um as the image was calibrated, and"
            " does not say which: give --unit, um per px of the image, such as 0.25, or --unit 1 if they are px"
        )


def refuse_misplaced(clicks: Clicks, size: Size) -> None:
    """Refuse marks that cannot belong to an image of a size (H, W).

    Raises:
        ValueError: the file is for an image of another size, or points lie beyond the image; the message names file,
            count, the first point and the likely mends.
    """
    height, width = size
    if clicks.size and max(abs(clicks.size[0] - height), abs(clicks.size[1] - width)) > 1:  # 1: rounding of a copy
        raise ValueError(
            f"{clicks.path}: is for an image of {clicks.size[1]} x {clicks.size[0]} px, but"
            f" {clicks.image or 'the image'} has {width} x {height}: where a smaller copy was clicked on, --scale says"
            f" how many times larger the image is ({width / clicks.size[1]:.4g}?)"
        )
    outside = ~lie_inside(clicks.points, size)
    if outside.any():
        x, y = clicks.points[outside][0]
        raise ValueError(
            f"{clicks.path}: {outside.sum()} of {len(outside)} points lie beyond the image of {width} x {height} px,"
            f" first x={x:g}, y={y:g}: {_mend(clicks.points, size)}"
        )


def onto_border(clicks: Clicks, size: Size) -> Clicks:
    """Clicks at most half a px beyond the border of an image (H, W), as its own border counts, on its last pixels."""
    height, width = size
    last = np.array([width - 1, height - 1], np.float64)
    near = (clicks.points >= -1) & (clicks.points <= last + 1)  # in each direction
    outside = near.all(axis=1) & ~lie_inside(clicks.points, size)
    if not outside.any():
        return clicks
    logger.warning(
        "%s: %d points lie on the border of the image of %d x %d px or at most half a px beyond, and are taken for its"
        " outermost pixels",
        clicks.path,
        outside.sum(),
        width,
        height,
    )
    moved = clicks.points.copy()
    moved[outside] = np.clip(moved[outside], 0, last)
    return replace(clicks, points=moved)


def warn_of_corner(clicks: Clicks, size: Size) -> None:
    """Warn where all of many points crowd in the first quarter of an image (H, W), as those of a smaller copy do."""
    corner = np.array([size[1], size[0]]) * CORNER
    if len(clicks.points) >= FEWEST and (clicks.points < corner).all():
        logger.warning(
            "%s: all %d points lie in the top left quarter of the image: was a smaller copy clicked on (--scale), or"
            " are these um (--unit)?",
            clicks.path,
            len(clicks.points),
        )


def _mend(points: np.ndarray, size: Size) -> str:
    if lie_inside(points[:, ::-1], size).all():
        return "with x and y exchanged all lie inside; if the axes are in the other order, add --swap"
    larger = (points.max(0) / (size[1], size[0])).max()
    return (
        "are these clicks of this very image? If they were made on another level of it (a larger or smaller copy),"
        f" --scale says how many times larger the image is (at most {1 / larger:.3g} for these points)"
        if larger > 1
        else "are these clicks of this very image, measured from its top left corner? --shift moves them by some px"
    )


def lie_inside(points: np.ndarray, size: Size) -> np.ndarray:
    """(N,) bool: which points (N, 2) lie in an image (H, W) when a points file holds them, which has float32."""
    return inside(torch.from_numpy(points.astype(np.float32)), size).numpy()
