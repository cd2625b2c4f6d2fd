# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The file of the regions of an image in which everything is clicked: GeoJSON as QuPath writes and reads it."""

from __future__ import annotations

import json
from collections.abc import Iterable

import numpy as np
import shapely
from shapely import Polygon
from transforms.pixel_centres import HALF_PIXEL
from transforms.size import Size

from ...annotations.clicks import Outline, parts_of
from ...annotations.regions import REGION
from ...objects.geojson import feature
from ...objects.polygons import PolygonPart as Rings
from ...objects.polygons import SlideObject
from ...slides.grid import Box


def regions_text(regions: Iterable[Outline], source: str) -> str:
    """The content of the file; `source` is the image's name."""
    features = [
        feature(SlideObject(number, _rings_of_parts(region), {}, region.name or REGION), source, "annotation")
        for number, region in enumerate(regions, start=1)
    ]
    return json.dumps({"type": "FeatureCollection", "features": features}, indent=1) + "\n"


def rectangle(corner: tuple[float, float], opposite: tuple[float, float], size: Size) -> Outline:
    """The whole pixels of an image (H, W) that a drawn rectangle touches.

    Args:
        corner: x and y in px.
        opposite: likewise.
        size: (H, W) of the image, px.

    Raises:
        ValueError: it lies beside the image.
    """
    first = np.floor(np.minimum(corner, opposite) + HALF_PIXEL).astype(int)
    last = np.ceil(np.maximum(corner, opposite) + HALF_PIXEL).astype(int)
    box = Box(*first.tolist(), *last.tolist()).within(Box(0, 0, size[1], size[0]))
    if not box:
        raise ValueError(f"the rectangle lies beside the image of {size[1]} x {size[0]} px: draw it on the image")
    return Outline(shapely.box(*(edge - HALF_PIXEL for edge in box)), REGION)


def _rings_of_parts(region: Outline) -> tuple[Rings, ...]:
    return tuple(_rings(polygon) for polygon in parts_of(region.area))


def _rings(polygon: Polygon) -> Rings:
    rings = [np.asarray(ring.coords)[:-1] + HALF_PIXEL for ring in (polygon.exterior, *polygon.interiors)]
    return Rings(rings[0], tuple(rings[1:]))
