# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""What a reader collects of one image, whose program measures from the corner of the first pixel."""

from __future__ import annotations

import logging
import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry
from transforms.pixel_centres import HALF_PIXEL, from_corner
from transforms.size import Size

from ..objects.polygons import outline_objects
from .clicks import Clicks, Outline, area_of, as_points, union_of

logger = logging.getLogger(__name__)

ROUND = 64  # corners of a circle
MOST_MASK = 1 << 28  # px of a mask


class MarkCollector:
    """Points and areas of one image, in px from its corner, each with its class.

    Args:
        path: the file, for messages.
        image: base name of the image, where the file says it.
        size: (H, W) of the image, px, where the file says it.
    """

    def __init__(self, path: Path, image: str | None = None, size: Size | None = None) -> None:
        self.path, self.image, self.size = path, image, size
        self._places: list[Sequence[float]] = []
        self._names: list[str | None] = []
        self._outlines: list[Outline] = []
        self._others: Counter[str] = Counter()

    def add_point(self, x: Any, y: Any, name: str | None) -> None:
        """A click."""
        self._places.append([x, y])
        self._names.append(name)

    def add_polygon(self, ring: Sequence[Sequence[float]], name: str | None) -> None:
        """An area within one ring of vertices; ValueError where one is no pair of numbers."""
        places = from_corner(as_points(self.path, ring, "vertex"))
        self._outlines.append(Outline(area_of(self.path, [places]), name))

    def add_box(
        self, left: float, top: float, width: float, height: float, name: str | None, turned: float = 0.0
    ) -> None:
        """A rectangle, turned about its upper left corner by so many degrees, clockwise as the image is seen."""
        self._numbers(left, top, width, height, turned)
        corners = np.array([(0.0, 0.0), (width, 0.0), (width, height), (0.0, height)])
        self.add_polygon((corners @ _turn(turned) + (left, top)).tolist(), name)

    def add_ellipse(
        self, x: float, y: float, across: float, down: float, name: str | None, turned: float = 0.0
    ) -> None:
        """An ellipse by its centre and half its axes, turned about the centre by so many degrees, clockwise."""
        self._numbers(x, y, across, down, turned)
        angles = np.arange(ROUND) * math.tau / ROUND
        ring = np.stack([across * np.cos(angles), down * np.sin(angles)], 1)
        self.add_polygon((ring @ _turn(turned) + (x, y)).tolist(), name)

    def add_mask(self, mask: np.ndarray, left: float, top: float, name: str | None) -> None:
        """The pixels of a mask (h, w) whose upper left pixel is the image's at column `left` and row `top`."""
        self._outlines.append(Outline(mask_area(self.path, mask, left, top), name))

    def leave_out(self, kind: str) -> None:
        """A mark that is neither a point nor an area."""
        self._others[kind] += 1

    def as_clicks(self) -> Clicks:
        """All of it; ValueError where a point is no pair of numbers. What was left out is warned of, by kind."""
        if self._others:
            named = ", ".join(f"{count} {kind}" for kind, count in sorted(self._others.items()))
            logger.warning("%s: marks that are neither points nor areas are left out: %s", self.path, named)
        points = from_corner(as_points(self.path, self._places))
        return Clicks(self.path, points, tuple(self._names), tuple(self._outlines), self.image, self.size)

    def _numbers(self, *values: Any) -> None:
        if not all(isinstance(value, int | float) and math.isfinite(value) for value in values):
            raise ValueError(f"{self.path}: an area has {values}, which are no numbers: correct or delete it")


def mask_area(path: Path, mask: np.ndarray, left: float = 0.0, top: float = 0.0) -> BaseGeometry:
    """The pixels of a mask (h, w) as an area, pixel centres at integers; ValueError where it has none."""
    parts = outline_objects(np.asarray(mask, np.uint8)[None], (left - HALF_PIXEL, top - HALF_PIXEL)).get(1, ())
    if not parts:
        raise ValueError(f"{path}: a mask has no pixel: delete it")
    return union_of([shapely.Polygon(part.exterior, part.holes) for part in parts])


def mask_of_runs(path: Path, runs: Sequence[int], height: int, width: int) -> np.ndarray:
    """The mask (H, W) of run lengths, the first of pixels outside, row by row; ValueError where they do not fill it."""
    sound = all(isinstance(each, int) and each >= 0 for each in (*runs, height, width))
    if not sound or height * width > MOST_MASK or sum(runs) != height * width:
        raise ValueError(f"{path}: the run lengths of a mask do not add up to {width} x {height} px: export it again")
    return np.repeat(np.arange(len(runs)) % 2 == 1, runs).reshape(height, width)


def _turn(degrees: float) -> np.ndarray:
    """Multiplied from the right, turns rows (x, y) clockwise as an image is seen."""
    angle = math.radians(degrees)
    return np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
