# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Objects of a label as polygons: exactly along the edges of their pixels, so that filling them gives the label back.

Points are x, y in px of the image, its upper left corner at 0, 0, as QuPath and ASAP count: the pixel in row r and
column c spans x from c to c + 1 and y from r to r + 1. (Tables of objects count pixel centres at integers instead: half
a px less.) Rings are closed without repeating their first point, pass no point twice, and hold no point on a straight
line between its neighbours; outer rings have a positive area by the shoelace formula in x and y, holes a negative one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from monai.config import NdarrayOrTensor
from monai.utils import convert_to_numpy
from numpy.typing import NDArray
from scipy import ndimage

from .contours import Rings, trace_borders

Ring = NDArray[np.float64]  # (N, 2) x, y
Scale = float | tuple[float, float]  # of both axes, or of x and of y


@dataclass(frozen=True)
class PolygonPart:
    """One polygon: what is inside `exterior` and in no hole."""

    exterior: Ring
    holes: tuple[Ring, ...] = ()

    @property
    def area(self) -> float:
        """In the units of its points, squared."""
        return shoelace(self.exterior) - sum(abs(shoelace(hole)) for hole in self.holes)


@dataclass(frozen=True)
class SlideObject:
    """One object of an image or of a whole slide; what the writers of polygons take."""

    id: int  # unique in its image
    parts: tuple[PolygonPart, ...]  # one, but for objects of several pieces
    measurements: Mapping[str, float] = field(default_factory=dict)  # name as a viewer shows it -> finite number
    classification: str = "Nucleus"


def shoelace(ring: Ring) -> float:
    """Signed area of a ring (N, 2): positive when x turns towards y."""
    x, y = ring[:, 0], ring[:, 1]
    return float(x @ np.roll(y, -1) - np.roll(x, -1) @ y) / 2


def outline_objects(
    label: NdarrayOrTensor, offset: tuple[float, float] = (0.0, 0.0), scale: Scale = 1.0
) -> dict[int, tuple[PolygonPart, ...]]:
    """The polygons of every object of a label.

    Args:
        label: ids (1, H, W), integers, 0 = background; ids may have gaps.
        offset: x and y of the label's upper left corner, px of the image that the polygons are for; for a block of a
            slide, in px of the slide's finest level.
        scale: px of that image per px of the label.

    Returns:
        id -> its polygons, by id. Pieces of an object that touch at corners alone, or not at all, are polygons of their
        own. They touch each other, and their holes, in single points at most.

    Raises:
        ValueError: the label is no (1, H, W) of integers, or the scale is not positive.
    """
    ids = convert_to_numpy(label)
    if ids.ndim != 3 or len(ids) != 1 or ids.dtype.kind not in "ui":
        raise ValueError(f"label is {ids.dtype} {ids.shape}: it must be integers of shape (1, H, W)")
    rings = trace_borders(ids[0])
    points = _scaled_and_moved(rings.corners, offset, scale)
    return {identity: tuple(_polygons(points, rings, of, ids[0])) for identity, of in _by_owner(rings)}


def _scaled_and_moved(points: NDArray[np.number], offset: tuple[float, float], scale: Scale) -> Ring:
    factor = np.broadcast_to(np.asarray(scale, float), 2)  # x, y
    if not (np.isfinite(factor) & (factor > 0)).all():
        raise ValueError(f"scale is {scale!r}: it must be a positive number of px per px")
    return points * factor + np.asarray(offset, float)  # (V, 2)


def _by_owner(rings: Rings) -> Iterator[tuple[int, list[int]]]:
    """Each id with the indices of its rings, outer ones first, otherwise from top to bottom."""
    order = np.lexsort((~rings.outer, rings.owner))
    ids, first = np.unique(rings.owner[order], return_index=True)
    indices = order.tolist()
    for identity, (begin, end) in zip(ids.tolist(), pairwise([*first.tolist(), len(order)]), strict=True):
        yield identity, indices[begin:end]


def _polygons(points: Ring, rings: Rings, of: list[int], ids: NDArray[np.integer]) -> Iterator[PolygonPart]:
    outer = [ring for ring in of if rings.outer[ring]]
    holes = of[len(outer) :]
    piece = _piece_of_ring(rings, of, ids) if holes and len(outer) > 1 else dict.fromkeys(of, 0)
    for ring in outer:
        inside = tuple(_points_of_ring(points, rings, hole) for hole in holes if piece[hole] == piece[ring])
        yield PolygonPart(_points_of_ring(points, rings, ring), inside)


def _points_of_ring(points: Ring, rings: Rings, ring: int) -> Ring:
    return points[rings.start[ring] : rings.start[ring + 1]]


def _piece_of_ring(rings: Rings, of: list[int], ids: NDArray[np.integer]) -> dict[int, int]:
    """For an object of several pieces with holes: which piece each of its rings belongs to."""
    corners = np.concatenate([rings.corners[rings.start[ring] : rings.start[ring + 1]] for ring in of])
    (left, top), (right, bottom) = corners.min(axis=0), corners.max(axis=0)
    piece, _ = ndimage.label(ids[top:bottom, left:right] == rings.owner[of[0]])
    return {ring: int(piece[rings.pixel[ring, 0] - top, rings.pixel[ring, 1] - left]) for ring in of}
