# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""A small picture of a slide with what was found: where the network looked, and a dot for each object."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_erosion

from ..data.files import write_png
from .collect import Collection
from .grid import Grid
from .plan import Plan
from .reader import Slide

LONGEST = 2048  # px
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
    column, row = np.rint(grid.to_grid(outlines.to_slide(collection.centres))).astype(np.int64).T
    pixels[np.clip(row, 0, grid.size[1] - 1), np.clip(column, 0, grid.size[0] - 1)] = DOT
    write_png(path, pixels)


def looked_at(plan: Plan, grid: Grid) -> NDArray[np.bool_]:
    """The pixels (h, w) of a grid that lie in a window with tissue."""
    looked = np.zeros(grid.size[::-1], bool)
    scale = np.array(grid.size) / plan.grid.size
    for row, column in np.argwhere(plan.tissue).tolist():
        box = plan.layout.window_box((row, column)).within(plan.layout.box)
        left, top = np.floor(np.array(box[:2]) * scale).astype(int)
        right, bottom = np.ceil(np.array(box[2:]) * scale).astype(int)
        looked[top:bottom, left:right] = True
    return looked
