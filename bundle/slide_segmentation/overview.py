# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""A small picture of a slide with what was found: where the network looked, and a dot for each object."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation, binary_erosion
from transforms.size import Size

from ..files.writers import write_png
from ..slides.grid import Grid
from ..slides.reader import Slide
from .collect import Collection
from .plan import Plan

LONGEST = 2048  # px
LARGEST_DOT = 5  # px; a dot of 1 px cannot be seen where objects are few
DOT, BORDER = (0, 200, 0), (0, 90, 255)


def write_overview(path: Path, slide: Slide, plan: Plan, collection: Collection, outlines: Grid) -> None:
    """Write the picture.

    Args:
        path: the file, `.png`.
        slide: open for reading.
        plan: of the slide.
        collection: the objects.
        outlines: the grid that they lie on.
    """
    grid, image = slide.overview(LONGEST)
    pixels = np.rint(image.numpy() * 255).astype(np.uint8).transpose(1, 2, 0)  # (h, w, C)
    pixels = np.repeat(pixels, 3 // pixels.shape[2], axis=2)
    looked = looked_at(plan, grid)
    pixels[looked & ~binary_erosion(looked, iterations=2)] = BORDER
    centres = np.rint(grid.to_grid(outlines.to_slide(collection.centres))).astype(np.int64)
    pixels[dots(centres, grid.size, int(looked.sum()))] = DOT
    write_png(path, pixels)


def dots(centres: NDArray[np.int64], size: Size, room: int) -> NDArray[np.bool_]:
    """The pixels (h, w) of squares around places (N, 2), x and y, as large as leaves most of the picture to be seen.

    Args:
        centres: px of the picture; those beyond its edges are taken to the edge.
        size: of the picture.
        room: px of the picture that objects may lie in.
    """
    drawn = np.zeros(size, bool)
    column, row = np.clip(centres, 0, np.array(size[::-1]) - 1).T
    drawn[row, column] = True
    apart = math.sqrt(room / max(len(centres), 1))  # px from object to object, on average
    grown = int(np.clip(apart / 5, 1, LARGEST_DOT) - 1) // 2
    return binary_dilation(drawn, np.ones((3, 3)), iterations=grown) if grown else drawn


def looked_at(plan: Plan, grid: Grid) -> NDArray[np.bool_]:
    """The pixels (h, w) of a grid that lie in a window with tissue."""
    looked = np.zeros(grid.size, bool)
    scale = np.array(grid.size[::-1]) / plan.grid.size[::-1]
    for row, column in np.argwhere(plan.tissue).tolist():
        box = plan.layout.window_box((row, column)).within(plan.layout.box)
        left, top = np.floor(np.array(box[:2]) * scale).astype(int)
        right, bottom = np.ceil(np.array(box[2:]) * scale).astype(int)
        looked[top:bottom, left:right] = True
    return looked
