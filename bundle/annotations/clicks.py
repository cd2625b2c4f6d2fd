# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""What a file of clicks holds for one image: points, and outlines where the file has some, each with its class."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import shapely
from shapely import MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry
from transforms.size import Size

from ..files.value_rules import is_number

logger = logging.getLogger(__name__)

UNNAMED = "no class"  # how messages call marks without one
Unit = Literal["px", "um", "unknown"]
PX: Unit = "px"
UM: Unit = "um"
UNKNOWN: Unit = "unknown"
FARTHEST = 1e9  # px from the image's corner; no coordinate is larger


@dataclass(frozen=True)
class Outline:
    """An area that someone drew."""

    area: BaseGeometry  # a valid polygon, or several, in px of the image, pixel centres at integers
    name: str | None = None  # its class


@dataclass(frozen=True)
class Clicks:
    """Marks of one image.

    Attributes:
        path: the file they were read from.
        points: float64 (N, 2), x and y in px of the image, pixel centres at integers.
        names: class of each point, None where it has none.
        outlines: areas in the same file.
        image: base name of the image, where the file says it.
        size: (H, W) of the image, px, where the file says it.
        unit: of the points, where they are no px yet: `UM`, or `UNKNOWN`; `Placement` takes them to px.
        from_corner: of such points, whether their zero is the image's corner, not the centre of its first pixel.
        is_stated_empty: whether the file states that the image holds no object.
    """

    path: Path
    points: np.ndarray
    names: tuple[str | None, ...]
    outlines: tuple[Outline, ...] = ()
    image: str | None = None
    size: Size | None = None
    unit: Unit = "px"
    from_corner: bool = False
    is_stated_empty: bool = False


def as_points(path: Path, values: Sequence[Sequence[float]], what: str = "point") -> np.ndarray:
    """Pairs of numbers as float64 (N, 2).

    Raises:
        ValueError: one is no pair of finite numbers; the message names the file and which one, counted from 1.
    """
    for count, value in enumerate(values, start=1):
        if len(value) != 2 or not all(is_number(each) and abs(each) < FARTHEST for each in value):
            raise ValueError(f"{path}: {what} {count} is {value!r}, no x and y: correct or delete it")
    return np.array(values, np.float64).reshape(-1, 2)


def area_of(path: Path, rings: Sequence[np.ndarray]) -> BaseGeometry:
    """The area within rings of vertices (V, 2): the first is its border, others are holes in it.

    Raises:
        ValueError: a ring has fewer than three vertices.
    """
    if not rings or min(len(ring) for ring in rings) < 3:
        raise ValueError(f"{path}: an outline has fewer than three vertices: delete or redraw it")
    return shapely.make_valid(Polygon(rings[0], rings[1:]))


def parts_of(area: BaseGeometry) -> list[Polygon]:
    """The polygons of an area; what has no area is left out."""
    if isinstance(area, Polygon):
        return [] if area.is_empty else [area]
    return [polygon for part in getattr(area, "geoms", ()) for polygon in parts_of(part)]


def union_of(areas: Iterable[BaseGeometry]) -> MultiPolygon:
    """All areas as one, whatever overlaps counted once."""
    return MultiPolygon(parts_of(shapely.union_all([part for area in areas for part in parts_of(area)])))


def middle(area: BaseGeometry) -> tuple[float, float]:
    """The centre of mass of an area or, where that lies outside (bent areas), a point inside."""
    centre = area.centroid
    if not area.covers(centre):
        centre = area.representative_point()
    return centre.x, centre.y


def with_middles(clicks: Clicks) -> Clicks:
    """Clicks whose outlines have become points, behind those that were there."""
    middles = np.array([middle(outline.area) for outline in clicks.outlines], np.float64).reshape(-1, 2)
    names = (*clicks.names, *(outline.name for outline in clicks.outlines))
    return replace(clicks, points=np.concatenate([clicks.points, middles]), names=names, outlines=())


def of_classes(clicks: Clicks, classes: Sequence[str]) -> Clicks:
    """The marks whose class is one of these."""
    kept = [name in classes for name in clicks.names]
    return replace(
        clicks,
        points=clicks.points[np.array(kept, bool)],
        names=tuple(name for name in clicks.names if name in classes),
        outlines=tuple(outline for outline in clicks.outlines if outline.name in classes),
    )


def count_classes(names: Iterable[str | None]) -> str:
    """How many marks of each class, for a message: "Tumor: 12, no class: 3"."""
    counts = Counter(name or UNNAMED for name in names)
    return ", ".join(f"{name}: {count}" for name, count in sorted(counts.items())) or "none"


def warn_of_planes(path: Path, planes: Iterable[Hashable]) -> None:
    """Warn where the points of one file lie in more than one plane (slice, frame or channel)."""
    count = len(set(planes))
    if count > 1:
        logger.warning(
            "%s: its points lie in %d planes of a stack (slices, frames or channels) and are all taken for one flat"
            " image: if it was a stack, export the points of one plane",
            path,
            count,
        )
