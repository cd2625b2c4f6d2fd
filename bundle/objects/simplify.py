# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Fewer corners for smaller files: outlines that leave the edges of pixels. The package shapely is needed."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..files.optional import need
from .polygons import PolygonPart


def check_tolerance(tolerance: float) -> None:
    """Whether outlines can be simplified so far, before any are made.

    Raises:
        ValueError: it is no number of 0 or more, or more than 0 and the package shapely is not installed.
    """
    if not isinstance(tolerance, int | float) or not 0 <= tolerance < float("inf"):
        raise ValueError(f"simplify is {tolerance!r}: give px as a number of 0 or more, such as 1")
    if tolerance:
        need("shapely", "simplifying outlines")


def simplify(parts: tuple[PolygonPart, ...], tolerance: float) -> tuple[PolygonPart, ...]:
    """An object's polygons with fewer corners (Douglas and Peucker, by rings, so that none crosses another).

    Args:
        parts: of one object.
        tolerance: how far a corner that is left out may lie from the new line, in the units of the points.

    Returns:
        As many polygons, with the same number of holes; neighbouring objects may come to overlap by the tolerance.

    Raises:
        ValueError: the package shapely is not installed.
    """
    shapely = need("shapely", "simplifying outlines")
    whole = shapely.MultiPolygon([shapely.Polygon(part.exterior, part.holes) for part in parts])
    simple = shapely.simplify(whole, tolerance, preserve_topology=True)
    pieces = shapely.get_parts(simple)
    if not simple.is_valid or [len(one.interiors) for one in pieces] != [len(part.holes) for part in parts]:
        return parts
    return tuple(
        PolygonPart(_open_ring(one.exterior), tuple(_open_ring(hole) for hole in one.interiors)) for one in pieces
    )


def _open_ring(ring: Any) -> np.ndarray:
    return np.asarray(ring.coords)[:-1]
