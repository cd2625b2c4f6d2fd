# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Objects of a slide as polygons in px of its finest level, a band of them at a time, by id."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ..objects.polygons import PolygonPart, SlideObject, outline_objects
from ..slides.grid import Grid
from .collect import Collection
from .objects import Objects

SHELF = 2048  # px: width of the sheet that masks are laid out on


def slide_objects(collection: Collection, outlines: Grid, mpp: float) -> Iterator[SlideObject]:
    """Every object as the writers of polygons take it.

    Args:
        collection: of the slide.
        outlines: the grid that its objects lie on.
        mpp: um per px of the slide's finest level.
    """
    pixel = float(np.prod(outlines.step))  # px of the finest level
    for ids, objects in collection.bands():
        for index, parts in polygons(objects, outlines.step):
            area = float(objects.area[index]) * pixel
            measured = {"Area px^2": round(area, 2), "Area µm^2": round(area * mpp**2, 3)}
            measured["Confidence"] = round(float(objects.confidence[index]), 4)
            yield SlideObject(int(ids[index]), parts, measured)


def polygons(objects: Objects, step: tuple[float, float]) -> Iterator[tuple[int, tuple[PolygonPart, ...]]]:
    """Index and polygons of each object; `step` is px of the slide's finest level per px of the outline grid."""
    sheet, corners = laid_out(objects)
    for identity, parts in outline_objects(sheet[None]).items():
        index = identity - 1
        shift = objects.box[index, :2] - corners[index]
        yield index, tuple(_moved(part, shift, step) for part in parts)


def laid_out(objects: Objects) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """All masks side by side on one sheet, ids 1..n, and where each has its upper left corner, (N, 2) x, y."""
    sizes = objects.box[:, 2:] - objects.box[:, :2]
    width = max(SHELF, int(sizes[:, 0].max(initial=1)))
    corners = np.zeros((len(objects), 2), np.int64)
    x = y = height = 0
    for index, (wide, high) in enumerate(sizes.tolist()):
        if x + wide > width:
            x, y, height = 0, y + height, 0
        corners[index] = x, y
        x, height = x + wide, max(height, high)
    sheet = np.zeros((y + height, width), np.int32)
    for index, (left, top) in enumerate(corners.tolist()):
        mask = objects.mask(index)
        sheet[top : top + mask.shape[0], left : left + mask.shape[1]][mask] = index + 1
    return sheet, corners


def _moved(part: PolygonPart, shift: NDArray[np.int64], step: tuple[float, float]) -> PolygonPart:
    exterior, *holes = ((ring + shift) * step for ring in (part.exterior, *part.holes))
    return PolygonPart(exterior, tuple(holes))
