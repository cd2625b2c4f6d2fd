# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""A tile's objects: the map of the network around it to a label, which object is the tile's, and smooth outlines."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from ..inference.outline import refined_outlines
from ..inference.outputs import Output
from ..slides.grid import Box, Grid
from ..slides.resampling import Axis, resample
from .objects import Integers, Objects, joined_objects, objects_with_ids, outline_grid

Floats = NDArray[np.float32]
Label = NDArray[np.integer]


class TileResult(NamedTuple):
    """The objects of a tile, and how many regions reach from it beyond its halo: these may be cut."""

    objects: Objects
    too_wide: int


def tile_objects(
    seen: Tensor, shown: Box, tile: Box, grid: Grid, to_label: Callable[[Tensor], Tensor], output: Output
) -> TileResult:
    """The objects whose centre lies in a tile.

    Args:
        seen: map (3, h, w) of the tile and its halo, as `output` reads it.
        shown: where that lies in the grid.
        tile: where the tile lies in it.
        grid: of the slide, at the model's spacing.
        to_label: map to label (1, h, w).
        output: what the map means.
    """
    if not seen.any():  # glass
        return TileResult(joined_objects([]), 0)
    label = to_label(seen).cpu()[0].numpy()  # (h, w)
    probability = output.foreground(seen).cpu()[0].numpy()
    owned = owned_ids(label, shown, tile)
    too_wide = len(regions_past_halo(label, shown, tile, grid.box))
    fine, sure, left, top = on_outline_grid(label, probability, shown, grid, output)
    return TileResult(objects_with_ids(fine, sure, owned, left, top), too_wide)


def owned_ids(label: Label, shown: Box, tile: Box) -> Integers:
    """The ids of the objects whose centre of mass lies in a pixel of the tile; computed in whole numbers."""
    y, x = np.nonzero(label)
    owner = label[y, x]
    area = np.bincount(owner)
    ids = np.flatnonzero(area)
    centre = []
    for each, offset in ((x, shown.left), (y, shown.top)):
        total = np.bincount(owner, each).astype(np.int64)[ids]
        centre.append((2 * total + area[ids]) // (2 * area[ids]) + offset)  # floor(mean + 1/2)
    column, row = centre
    inside = (tile.left <= column) & (column < tile.right) & (tile.top <= row) & (row < tile.bottom)
    return ids[inside]


def regions_past_halo(label: Label, shown: Box, tile: Box, whole: Box) -> Integers:
    """The ids of regions that touch both the tile and the outer border of its halo, where that is not the slide's."""
    borders = [np.zeros(0, label.dtype)]
    for is_cut, line in (
        (shown.left > whole.left, label[:, 0]),
        (shown.right < whole.right, label[:, -1]),
        (shown.top > whole.top, label[0]),
        (shown.bottom < whole.bottom, label[-1]),
    ):
        borders += [line] if is_cut else []
    inside = label[tile.top - shown.top : tile.bottom - shown.top, tile.left - shown.left : tile.right - shown.left]
    both = np.intersect1d(np.concatenate(borders), inside)
    return both[both > 0].astype(np.int64)


def on_outline_grid(
    label: Label, probability: Floats, shown: Box, grid: Grid, output: Output
) -> tuple[Label, Floats, int, int]:
    """Label and probability on the outline grid, and the column and row of it that they begin with.

    As `bundle.inference.outline` does for an image, but by places on the whole slide.
    """
    fine = outline_grid(grid)
    (left, right), (top, bottom) = (
        (first_inside(edges[0], *lengths), first_inside(edges[1], *lengths))
        for edges, lengths in (
            ((shown.left, shown.right), (grid.size[1], fine.size[1])),
            ((shown.top, shown.bottom), (grid.size[0], fine.size[0])),
        )
    )
    rows = _coarse(top, bottom, grid.size[0], fine.size[0]) - shown.top
    columns = _coarse(left, right, grid.size[1], fine.size[1]) - shown.left
    nearest = label[rows[:, None], columns]
    down, across = (Axis(own, own / new) for own, new in zip(grid.size, fine.size, strict=True))
    sure = resample(resample(probability, down, top, bottom, shown.top, 0), across, left, right, shown.left, 1)
    sure = np.clip(sure, 0, 1)
    scale = (fine.size[0] / grid.size[0], fine.size[1] / grid.size[1])
    return refined_outlines(nearest, sure > output.threshold, scale, output.outline_px), sure, left, top


def first_inside(edge: int, length: int, finer: int) -> int:
    """The first px, of `finer` along an axis, whose centre lies at or behind the px `edge` of `length` along it."""
    return max(-((length - 2 * finer * edge) // (2 * length)), 0)


def _coarse(first: int, end: int, length: int, finer: int) -> Integers:
    """The px of the coarser grid that the centres of the finer one's px first .. end - 1 lie in."""
    return (2 * np.arange(first, end) + 1) * length // (2 * finer)
