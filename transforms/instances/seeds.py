# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Points as seeds of instances: one pixel each, in raster order, and what belongs to which of them.

Labels that are made of points, by whatever rule, share these: id i is the i-th seed, and a seed's pixel is its own.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from scipy import ndimage

from ..pixel_centres import inside, pixels_of
from ..size import Size
from .follow_offsets import Floats, Integers, Mask


def seed_points(points: torch.Tensor, size: Size) -> Floats:
    """The points that lie in an image, in raster order of their pixels; of several in one pixel the first remains.

    Args:
        points: (N, 2), x and y in px.
        size: H and W of the image, px.

    Returns:
        (n, 2) float64, x and y in px.
    """
    places = points[inside(points, size)].detach().cpu().double().numpy()
    row, column = seed_pixels(places)
    order = np.lexsort((places[:, 0], places[:, 1], column, row))
    places, pixel = places[order], row[order] * size[1] + column[order]
    return places[np.unique(pixel, return_index=True)[1]]


def seed_pixels(places: Floats) -> tuple[Integers, Integers]:
    """Row and column, (n,) each, of the pixels that places (n, 2), x and y in px, lie in."""
    column, row = pixels_of(places).T
    return row, column


def voronoi_cells(places: Floats, size: Size) -> tuple[Integers, Floats]:
    """The seed that each pixel is nearest to, by the seeds' pixels.

    Args:
        places: (n, 2) as `seed_points` gives them.
        size: H and W, px.

    Returns:
        Ids (H, W) int32, 1..n, and the distance (H, W), px; ids 0 and infinite distances without a seed.
    """
    if not len(places):
        return np.zeros(size, np.int32), np.full(size, math.inf)
    ids = np.zeros(size, np.int32)
    ids[seed_pixels(places)] = np.arange(1, len(places) + 1)
    distance, (row, column) = ndimage.distance_transform_edt(ids == 0, return_indices=True)
    return ids[row, column], distance


def keep_with_seeds(mask: Mask, cells: Integers, places: Floats) -> Integers:
    """Of each seed's part of a mask the piece (4-connected) that holds the seed's pixel, with its holes filled.

    Args:
        mask: (H, W), with the seeds' pixels.
        cells: (H, W), the id of the seed that each pixel belongs to; a seed's pixel belongs to the seed. What belongs
            to nobody, 0, may be in a hole that is filled.
        places: (n, 2) as `seed_points` gives them.

    Returns:
        ids (H, W) int32, 0 = background; nothing goes to a seed that it does not belong to.
    """
    label = np.where(mask, cells, 0)
    kept = np.zeros(label.shape, np.int32)
    rows, columns = seed_pixels(places)
    for index, box in enumerate(ndimage.find_objects(label, len(places))):
        row, column = rows[index] - box[0].start, columns[index] - box[1].start
        filled = ndimage.binary_fill_holes(piece_of(label[box] == index + 1, row, column))
        kept[box][piece_of(filled & np.isin(cells[box], (0, index + 1)), row, column)] = index + 1
    return kept


def piece_of(mask: Mask, row: int, column: int) -> Mask:
    """The 4-connected piece (h, w) of a mask that holds a pixel."""
    pieces, count = ndimage.label(mask)
    return mask if count == 1 else pieces == pieces[row, column]


def contacts(label: Integers) -> Integers:
    """How many of the right and the lower neighbour of an object's pixel are part of another one, (H, W); 0: none."""
    found = np.zeros(label.shape, np.int32)
    found[:, :-1] += (label[:, :-1] != label[:, 1:]) & (label[:, :-1] > 0) & (label[:, 1:] > 0)
    found[:-1] += (label[:-1] != label[1:]) & (label[:-1] > 0) & (label[1:] > 0)
    return found
