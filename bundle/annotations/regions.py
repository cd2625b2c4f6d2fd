# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Regions in which every nucleus was clicked: only there is an unclicked nucleus a mistake, elsewhere nobody looked."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import replace
from fnmatch import fnmatch
from pathlib import Path

import numpy as np
import shapely
from shapely import MultiPolygon, Polygon
from transforms.size import Size

from ..slides.grid import Box
from .clicks import Clicks, Outline, parts_of, union_of
from .formats.geojson import read_geojson

logger = logging.getLogger(__name__)

REGION = "Region*"  # the class of this name that QuPath offers, and all that begin so
LOST = 0.01  # part of the regions' area beyond the image from which on it is said


def read_regions(path: Path) -> list[Outline]:
    """The regions in a file, px of the image, pixel centres at integers.

    Raises:
        FileNotFoundError, ValueError: as `read_geojson`; it holds anything that is no region, which would be lost when
            the page writes the file anew.
    """
    (clicks,) = read_geojson(path)
    others, regions = split_regions(clicks, REGION)
    if len(others.points) or others.outlines:
        raise ValueError(
            f"{path}: holds marks that are no regions (class {REGION}): keep regions alone in it, and clicks in points/"
        )
    return regions


def split_regions(clicks: Clicks, pattern: str) -> tuple[Clicks, list[Outline]]:
    """The other marks, and the outlines whose class is like `pattern` (wildcards; capitals do not matter)."""
    chosen = [fnmatch((outline.name or "").lower(), pattern.lower()) for outline in clicks.outlines]
    regions = [outline for outline, is_region in zip(clicks.outlines, chosen, strict=True) if is_region]
    others = tuple(outline for outline, is_region in zip(clicks.outlines, chosen, strict=True) if not is_region)
    return replace(clicks, outlines=others), regions


def image_area(size: Size) -> Polygon:
    """All of an image of some size, in px of it."""
    (left, top), (right, bottom) = Box.of(size).corners.tolist()
    return shapely.box(left, top, right, bottom)


def regions_within(clicks: Clicks, regions: Iterable[Outline], size: Size) -> list[Polygon]:
    """Regions as polygons that do not overlap, cut at the border of the image; those that touch are one.

    Args:
        clicks: what the regions belong to, for messages.
        regions: in px of the image.
        size: (H, W) of the image, px.

    Returns:
        From top to bottom, then from left to right.

    Raises:
        ValueError: no region has any area within the image.
    """
    drawn = union_of(region.area for region in regions)
    height, width = size
    kept = parts_of(drawn.intersection(image_area(size)))
    if not kept:
        raise ValueError(
            f"{clicks.path}: no region lies in the image of {width} x {height} px: are these regions of this image,"
            " in its px (--scale)?"
        )
    lost = 1 - sum(part.area for part in kept) / drawn.area
    if lost > LOST:
        logger.warning("%s: %.0f %% of the regions' area lies beyond the image and is cut off", clicks.path, 100 * lost)
    return sorted(kept, key=lambda part: (part.bounds[1], part.bounds[0]))


def covered(points: np.ndarray, regions: Iterable[Polygon]) -> np.ndarray:
    """(N,) bool: which points (N, 2) lie in a region or on its border."""
    area = MultiPolygon(list(regions))
    shapely.prepare(area)
    return shapely.intersects_xy(area, points[:, 0], points[:, 1])
