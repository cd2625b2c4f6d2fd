# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Where clicks and the model's objects agree, where they do not, and so what to look at next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import shapely
from shapely import STRtree

from ..clicks.points_table import Point
from .findings import Found

REACH_UM, REACH_PX = 1.0, 2.0  # so far outside an object a click still means it; px where um are unknown
UNSURE = 0.75  # mean foreground probability below which an object is worth a look

XY = tuple[float, float]


@dataclass(frozen=True)
class Agreement:
    """How objects and clicks fit together.

    Attributes:
        unclicked: indices of objects that no click means: proposals where nobody clicked, false finds where all was.
        lonely: ids of clicks that mean no object.
        crowded: indices of objects that several clicks mean.
    """

    unclicked: tuple[int, ...]
    lonely: tuple[int, ...]
    crowded: tuple[int, ...]


def compare_with_clicks(found: Found, points: Mapping[int, Point]) -> Agreement:
    """Each click means the object that it lies in, or the nearest within reach."""
    ids = [key for key, point in points.items() if _looked_at(found, point)]
    if not found.areas:
        return Agreement((), tuple(ids), ())
    reach = REACH_UM / found.mpp if found.mpp else REACH_PX
    places = shapely.points(np.array([(points[key].x, points[key].y) for key in ids], np.float64).reshape(-1, 2))
    click, item = STRtree(found.areas).query_nearest(places, max_distance=reach, all_matches=False)
    held = np.bincount(item, minlength=len(found.areas))
    lonely = sorted({*range(len(ids))} - {*click.tolist()})
    unclicked, crowded = np.flatnonzero(held == 0), np.flatnonzero(held > 1)
    return Agreement(tuple(unclicked.tolist()), tuple(ids[place] for place in lonely), tuple(crowded.tolist()))


@dataclass(frozen=True)
class Place:
    """One place that is worth a look."""

    x: float  # px of the image
    y: float
    why: str


def worth_a_look(found: Found, points: Mapping[int, Point], agreement: Agreement) -> list[Place]:
    """Places of one image, the most telling first.

    First the clicks without an object and the objects with several clicks, where the model is wrong or a click is; then
    the objects that the model is least sure of and nobody clicked.
    """
    lonely = [Place(points[key].x, points[key].y, "a click, and the model finds nothing") for key in agreement.lonely]
    crowded = [Place(*_xy(found, index), "several clicks in one object") for index in agreement.crowded]
    unsure = [index for index in agreement.unclicked if found.confidence[index] < UNSURE]
    unsure.sort(key=lambda index: found.confidence[index])
    doubtful = [Place(*_xy(found, index), f"the model is unsure ({found.confidence[index]:.2f})") for index in unsure]
    return lonely + crowded + doubtful


def _xy(found: Found, index: int) -> XY:
    x, y = found.centres[index].tolist()
    return x, y


def _looked_at(found: Found, point: Point) -> bool:
    if found.box is None:
        return True
    (left, top), (right, bottom) = found.box.corners
    return bool(left <= point.x < right and top <= point.y < bottom)
