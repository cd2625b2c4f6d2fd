# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The largest upright rectangles inside a polygon, one after the other, without overlap.

A polygon is laid on a grid of at most `MOST_CELLS` cells along each side of its box, and cells that lie wholly inside
count. So an upright rectangle is found exactly, and another shape up to about a cell at its border.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import shapely
from shapely import Polygon
from transforms.pixel_centres import HALF_PIXEL

from ..slides.grid import Box

MOST_CELLS = 200
ROUNDING = 1e-6  # px; cells may end on the polygon's border

Cells = tuple[int, int, int, int]  # first row and column, one past the last row and column


def rectangles_in(area: Polygon, smallest: float) -> Iterator[Box]:
    """Rectangles of whole pixels inside a polygon, the largest first.

    Args:
        area: in px, pixel centres at integers.
        smallest: px; no side is shorter.
    """
    left, top, right, bottom = area.bounds
    columns, rows = (min(MOST_CELLS, max(1, math.floor(length))) for length in (right - left, bottom - top))
    x, y = np.linspace(left, right, columns + 1), np.linspace(top, bottom, rows + 1)
    free = _cells_inside(area, x, y)  # (rows, columns)
    fewest = math.ceil(smallest / (y[1] - y[0]) - ROUNDING), math.ceil(smallest / (x[1] - x[0]) - ROUNDING)
    while (found := largest_rectangle(free, fewest)) is not None:
        first_row, first_column, end_row, end_column = found
        free[first_row:end_row, first_column:end_column] = False
        box = _whole_pixels(x[first_column], y[first_row], x[end_column], y[end_row])
        if min(box.width, box.height) >= smallest:
            yield box


def _cells_inside(area: Polygon, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    shapely.prepare(area)
    boxes = shapely.box(
        x[None, :-1] + ROUNDING, y[:-1, None] + ROUNDING, x[None, 1:] - ROUNDING, y[1:, None] - ROUNDING
    )
    return shapely.covers(area, boxes)


def _whole_pixels(left: float, top: float, right: float, bottom: float) -> Box:
    """The pixels that lie wholly between four edges; pixel i spans [i - 1/2, i + 1/2]."""
    first = (math.ceil(edge + HALF_PIXEL - ROUNDING) for edge in (left, top))
    end = (math.floor(edge + HALF_PIXEL + ROUNDING) for edge in (right, bottom))
    return Box(*first, *end)


def largest_rectangle(free: np.ndarray, fewest: tuple[int, int]) -> Cells | None:
    """The largest rectangle of free cells.

    Row by row, the free cells above each cell are the bars of a histogram, and of these every widest rectangle of a
    height is looked at.

    Args:
        free: bool (rows, columns).
        fewest: rows and columns that the rectangle has at least.

    Returns:
        Its cells, or None where no free rectangle is so large.
    """
    best, largest = None, 0
    heights = np.zeros(free.shape[1], int)
    for row, line in enumerate(free):
        heights = np.where(line, heights + 1, 0)
        for first, end, height in _widest(heights.tolist()):
            size = height * (end - first)
            if size > largest and height >= fewest[0] and end - first >= fewest[1]:
                best, largest = (row + 1 - height, first, row + 1, end), size
    return best


def _widest(heights: list[int]) -> Iterator[tuple[int, int, int]]:
    """First bar, one past the last, and height of every rectangle under a histogram that cannot be made wider."""
    open_bars: list[tuple[int, int]] = []  # first bar and height, rising
    for index, height in enumerate([*heights, 0]):
        first = index
        while open_bars and open_bars[-1][1] >= height:
            first, closed = open_bars.pop()
            yield first, index, closed
        open_bars.append((first, height))
