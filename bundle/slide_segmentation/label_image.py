# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""A slide's label as an image at the model's spacing: a tiled BigTIFF, written tile by tile."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tifffile
from numpy.typing import NDArray

from ..files.atomic import write_whole
from ..slides.grid import Box, Grid
from .collect import Collection
from .objects import Objects

TILE = 512  # px


def write_label_image(path: Path, collection: Collection, outlines: Grid, grid: Grid, mpp: float) -> None:
    """Write the ids of all objects, uint32, 0 = background.

    Args:
        path: the file, `.tif`.
        collection: the objects.
        outlines: the grid that they lie on.
        grid: the one of the image: that of the model's spacing.
        mpp: um per px of that one.
    """
    write_whole(
        path,
        lambda stream: tifffile.imwrite(
            stream,
            label_tiles(collection, outlines, grid),
            bigtiff=True,
            shape=grid.size,
            dtype=np.uint32,
            tile=(TILE, TILE),
            compression="zlib",
            photometric="minisblack",
            resolution=(1e4 / mpp, 1e4 / mpp),
            resolutionunit="CENTIMETER",
            metadata=None,
        ),
    )


def label_tiles(collection: Collection, outlines: Grid, grid: Grid) -> Iterator[NDArray[np.uint32]]:
    """The image's tiles (TILE, TILE), row by row; those at the right and lower edges go on as background."""
    for top in range(0, grid.size[0], TILE):
        for left in range(0, grid.size[1], TILE):
            tile = np.zeros((TILE, TILE), np.uint32)
            box = Box(left, top, left + TILE, top + TILE).within(grid.box)
            rows, columns = (sampled(*span) for span in _spans(box, outlines, grid))
            seen = Box(int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)
            for number, extent in enumerate(collection.extents):
                if extent.within(seen):
                    paint(tile, rows, columns, collection.read(number), collection.ids(number))
            yield tile


def paint(
    tile: NDArray[np.uint32],
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
    objects: Objects,
    ids: NDArray[np.uint32],
) -> None:
    """Set the ids of the objects at a tile's pixels, which lie in these rows and columns of the outline grid."""
    left, top, right, bottom = objects.box.T
    reached = (left <= columns[-1]) & (right > columns[0]) & (top <= rows[-1]) & (bottom > rows[0])
    for index in np.flatnonzero(reached).tolist():
        down = slice(*np.searchsorted(rows, (top[index], bottom[index])))
        across = slice(*np.searchsorted(columns, (left[index], right[index])))
        mask = objects.mask(index)[rows[down, None] - top[index], columns[across] - left[index]]
        tile[down, across][mask] = ids[index]


def sampled(first: int, end: int, length: int, finer: int) -> NDArray[np.int64]:
    """The px of an axis of `finer` px that the centres of the px first .. end - 1 of one of `length` lie in."""
    return (2 * np.arange(first, end) + 1) * finer // (2 * length)


def _spans(box: Box, outlines: Grid, grid: Grid) -> tuple[tuple[int, int, int, int], tuple[int, int, int, int]]:
    return (
        (box.top, box.bottom, grid.size[0], outlines.size[0]),
        (box.left, box.right, grid.size[1], outlines.size[1]),
    )
