# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Objects as MONAI Label hands them to its writers of ASAP XML and DSA JSON: one contour for each.

Contours run along the edges of pixels, in px of the image's full resolution from its upper left corner. Neither form
knows holes: what lies in a hole counts as the object. Nor does either know pieces, and clients count contours: of an
object whose pixels touch at corners alone, the largest piece is drawn.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from ..objects.colours import class_colour
from ..objects.polygons import Ring, SlideObject
from ..objects.simplify import check_tolerance, simplify
from ..slides.grid import Box
from .images import NUCLEI

DECIMALS = 3  # of px


def as_annotation(objects: Iterable[SlideObject], regions: Sequence[Box], tolerance: float = 0.0) -> dict[str, Any]:
    """The annotation of a request.

    Args:
        objects: what was found.
        regions: where it was looked for; none: everywhere.
        tolerance: px that contours may leave the edges of pixels by, for fewer corners.

    Raises:
        ValueError: the tolerance is no number of 0 or more.
    """
    check_tolerance(tolerance)
    contours = []
    for item in objects:
        largest = max(item.parts, key=lambda part: part.area)
        (part,) = simplify((largest,), tolerance) if tolerance else (largest,)
        contours.append(_rounded_points(part.exterior))
    left, top, width, height = _around(regions)
    return {
        "location": [left, top],
        "size": [width, height],
        "elements": [{"label": NUCLEI, "contours": contours}] if contours else [],
        "labels": {NUCLEI: class_colour(NUCLEI)},
    }


def _rounded_points(ring: Ring) -> list[list[float]]:
    rounded = np.round(ring, DECIMALS)
    whole = rounded.astype(np.int64)
    points: list[list[float]] = (whole if np.array_equal(whole, rounded) else rounded).tolist()
    return points


def _around(regions: Sequence[Box]) -> tuple[int, int, int, int]:
    """Left, top, width and height of what holds all regions; zeros for the whole image."""
    if not regions:
        return 0, 0, 0, 0
    left, top = min(box.left for box in regions), min(box.top for box in regions)
    return left, top, max(box.right for box in regions) - left, max(box.bottom for box in regions) - top
