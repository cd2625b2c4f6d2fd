# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Tiles for training from an image that was clicked in regions only: the largest upright rectangles inside each.

A region has any shape, but training takes images in which every nucleus is clicked. So rectangles that lie wholly
inside a region are cut out, the largest first, as long as no side is shorter than a crop of training; each becomes an
image with its points, and all that follows stays as it is. What is left of a region at its border is not used.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from shapely import Polygon

from ..slides.grid import Box
from .placement import lie_inside
from .rectangles import rectangles_in

LARGEST = 2048  # px of a tile's side; images lie in memory during training


@dataclass(frozen=True)
class Tile:
    """A window in which every nucleus was clicked."""

    region: int  # which region it lies in, from 1
    box: Box  # px of the grid it is cut from
    points: np.ndarray  # float64 (N, 2), x and y in px of the tile


def cut_tiles(regions: Sequence[Polygon], points: np.ndarray, smallest: int) -> Iterator[Tile]:
    """Tiles of all regions, also those without points; no two of them overlap.

    Args:
        regions: in px of the grid that tiles are cut from, without overlap.
        points: float64 (N, 2), x and y in px of that grid.
        smallest: px of a tile's shorter side, at least.
    """
    for number, region in enumerate(regions, start=1):
        for rectangle in rectangles_in(region, smallest):
            for box in _cut_evenly(rectangle):
                moved = points - (box.left, box.top)
                yield Tile(number, box, moved[lie_inside(moved, (box.height, box.width))])


def _cut_evenly(box: Box) -> Iterator[Box]:
    """A box, cut evenly into parts of which no side is longer than `LARGEST`."""
    columns = _edges(box.left, box.right)
    rows = _edges(box.top, box.bottom)
    for top, bottom in zip(rows[:-1], rows[1:], strict=True):
        for left, right in zip(columns[:-1], columns[1:], strict=True):
            yield Box(left, top, right, bottom)


def _edges(first: int, end: int) -> list[int]:
    count = math.ceil((end - first) / LARGEST)
    return [first + (end - first) * index // count for index in range(count + 1)]
