# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Pictures to check a conversion with: a whole image, small, with its regions, tiles and points."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw
from shapely import Polygon
from torch import Tensor

from ..files.pictures import PREDICTION, TRUTH, dotted
from ..slides.grid import Grid
from .sources import Pixels
from .tiles import Tile

LONGEST = 1600  # px of the longer side


def overview(
    pixels: Pixels, grid: Grid, regions: Sequence[Polygon], points: np.ndarray, tiles: Sequence[Tile]
) -> np.ndarray:
    """All of an image with its regions in blue, tiles in yellow and points.

    Args:
        pixels: the image.
        grid: what tiles are cut from.
        regions: in px of the image.
        points: (N, 2), x and y in px of the image.
        tiles: in px of the grid.

    Returns:
        uint8 (H, W, 3), at most `LONGEST` px long.
    """
    small, image = pixels.overview(LONGEST)
    canvas = Image.fromarray(dotted(rgb(eight_bit(image)), small.to_grid(points), radius=1.5))
    draw = ImageDraw.Draw(canvas)
    for region in regions:
        for ring in (region.exterior, *region.interiors):
            draw.line(list(map(tuple, small.to_grid(ring.coords).tolist())), fill=TRUTH, width=3)
    for tile in tiles:
        corners = small.to_grid(grid.to_slide(tile.box.corners))
        draw.rectangle([*map(tuple, corners.tolist())], outline=PREDICTION, width=2)
    return np.asarray(canvas)


def eight_bit(image: Tensor) -> np.ndarray:
    """An image in [0, 1] as uint8 of the same shape."""
    return (image * 255).round().byte().numpy()


def rgb(image: np.ndarray) -> np.ndarray:
    """Uint8 (C, H, W), C = 1 or 3, as (H, W, 3)."""
    return np.ascontiguousarray(np.broadcast_to(image, (3, *image.shape[1:])).transpose(1, 2, 0))
