# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Images without their nuclei: colour from the background around, texture from the background elsewhere."""

from __future__ import annotations

import numpy as np
import torch
from scipy.ndimage import gaussian_filter
from torch import Tensor

from ..instances.follow_offsets import Floats, Integers, Mask
from ..instances.seeds import seed_pixels, seed_points, voronoi_cells
from ..shapes.area_laws import check_diameter

REACH = 2.8**0.5 / 2  # of D: the radius of the largest object that the area law knows, 2.8 A_D
SMOOTHING = 1 / 6  # of D: the narrowest Gaussian of the background's colour; what is finer is texture
SCALES, FALL = 6, 8  # each Gaussian is twice as wide as the one before and counts this much less
OPEN = 0.99  # where no place is free of nuclei, texture comes from the hundredth of the pixels furthest from one


def erase_nuclei(image: Tensor, points: Tensor, diameter: float, generator: torch.Generator) -> Tensor:
    """An image without its nuclei.

    Args:
        image: float (C, H, W) in [0, 1].
        points: (N, 2), x and y in px.
        diameter: D, px; what lies within `REACH` D of a point is taken for nucleus.
        generator: decides where texture is taken from.

    Returns:
        float32 (C, H, W) in [0, 1]; pixels further from all points are as they were.

    Raises:
        ValueError: the diameter is no positive number.
    """
    check_diameter(diameter)
    pixels = image.detach().cpu().double().numpy().copy()
    places, radius = seed_points(points, pixels.shape[1:]), REACH * diameter
    cells, distance = voronoi_cells(places, pixels.shape[1:])
    known = distance > radius
    if not known.any():
        known[:] = True  # nothing but nuclei: their own mean colour is all there is
    colour = background_colour(pixels, known, SMOOTHING * diameter)
    texture = np.where(known, pixels - colour, 0)
    y, x = np.nonzero(distance <= radius)
    row, column = texture_places(cells, distance, places, radius, generator)
    pixels[:, y, x] = colour[:, y, x] + texture[:, row, column]
    return torch.from_numpy(pixels.clip(0, 1)).float()


def background_colour(pixels: Floats, known: Mask, sigma: float) -> Floats:
    """The mean colour (C, H, W) of the known pixels around each, near ones counting far more than distant ones.

    Args:
        pixels: (C, H, W).
        known: (H, W), some of them true.
        sigma: px, of the narrowest Gaussian; the weights are those of several, ever wider ones.
    """
    total, seen = np.zeros(pixels.shape), np.full(known.shape, 1e-12)
    total += 1e-12 * pixels[:, known].mean(1)[:, None, None]  # for places that no Gaussian reaches
    for scale in range(SCALES):
        width, weight = sigma * 2**scale, float(FALL) ** -scale
        total += weight * gaussian_filter(np.where(known, pixels, 0), (0, width, width))
        seen += weight * gaussian_filter(known.astype(np.float64), width)
    return total / seen


def texture_places(
    cells: Integers, distance: Floats, places: Floats, radius: float, generator: torch.Generator
) -> tuple[Integers, Integers]:
    """Row and column, (P,) each, that the pixels within `radius` of a point take their texture from.

    All pixels around one point move together, to a random place where no nucleus is that near.
    """
    free = distance > 2 * radius
    rows, columns = np.nonzero(free if free.any() else distance >= np.quantile(distance, OPEN))
    drawn = torch.randint(len(rows), (len(places),), generator=generator).numpy()
    own_row, own_column = seed_pixels(places)
    y, x = np.nonzero(distance <= radius)
    which = cells[y, x] - 1
    row, column = y + (rows[drawn] - own_row)[which], x + (columns[drawn] - own_column)[which]
    return row.clip(0, cells.shape[0] - 1), column.clip(0, cells.shape[1] - 1)
