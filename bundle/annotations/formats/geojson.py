# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""GeoJSON as QuPath writes it: Point and MultiPoint features are clicks, Polygon and MultiPolygon features outlines.

QuPath measures in px of the full-resolution image from its top-left corner (its documentation, "Exporting annotations",
section "Units and origin"), and its points tool keeps the place of the click without rounding, so a pixel covers
[i, i + 1) and its centre is at i + 1/2. Here pixel centres are integers: half a pixel is taken off. Positions are x, y;
a third number is left aside. The class is `properties.classification`: {"name": ...}, or {"names": [...]} of newer
versions, whose parts are joined by ": " as QuPath shows them. Of a cell the nucleus is taken, not the cell.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from shapely.geometry.base import BaseGeometry
from transforms.pixel_centres import from_corner

from ...files.untrusted_text import load_json
from ..clicks import Clicks, Outline, area_of, as_points, union_of, warn_of_planes

logger = logging.getLogger(__name__)

GEOMETRIES = ("Point", "MultiPoint", "Polygon", "MultiPolygon")
LEFT_OUT = ("LineString", "MultiLineString")
COLLECTION = "GeometryCollection"
NAMES = frozenset(("geometry", "features"))  # of a feature and of a collection of them, where they do not say so
TYPES = ("FeatureCollection", "Feature", COLLECTION, *GEOMETRIES, *LEFT_OUT)


def read_geojson(path: Path) -> list[Clicks]:
    """Read one file, which is for one image.

    Raises:
        ValueError: no GeoJSON, or a feature whose coordinates are no numbers.
    """
    points: list[list[float]] = []
    names: list[str | None] = []
    outlines: list[Outline] = []
    others: Counter[str] = Counter()
    planes = []
    for feature in _features(path, load_json(path)):
        name = _class(feature)
        for geometry in _geometries(feature.get("nucleusGeometry") or feature.get("geometry")):
            kind, coordinates = geometry.get("type"), geometry.get("coordinates")
            if kind in ("Point", "MultiPoint"):
                found = _positions(path, [coordinates] if kind == "Point" else coordinates)
                points += found
                names += [name] * len(found)
                planes += [_z_and_t(geometry)] * len(found)
            elif kind in GEOMETRIES:
                outlines.append(Outline(_area(path, [coordinates] if kind == "Polygon" else coordinates), name))
            else:
                others[str(kind)] += 1
    if others:
        left_out = ", ".join(f"{count} {kind}" for kind, count in sorted(others.items()))
        logger.warning("%s: features that are neither points nor areas are left out: %s", path, left_out)
    warn_of_planes(path, planes)
    return [Clicks(path, from_corner(as_points(path, points)), tuple(names), tuple(outlines))]


def is_geojson(content: Any) -> bool:
    """Whether JSON is a feature, a geometry, a collection of either, or a bare list of them."""
    each = content if isinstance(content, list) else [content]
    return all(isinstance(item, dict) and (item.get("type") in TYPES or not NAMES.isdisjoint(item)) for item in each)


def _features(path: Path, content: Any) -> list[dict[str, Any]]:
    """Features as they are; bare geometries as features without properties."""
    if not is_geojson(content):
        raise ValueError(f"{path}: is no GeoJSON of features: in QuPath, File, Export objects as GeoJSON")
    if isinstance(content, list):
        return [feature for each in content for feature in _features(path, each)]
    if "features" in content or content.get("type") == "FeatureCollection":
        return _features(path, content["features"])
    is_geometry = content.get("type") in (*GEOMETRIES, *LEFT_OUT, COLLECTION) and "geometry" not in content
    return [{"type": "Feature", "geometry": content}] if is_geometry else [content]


def _geometries(geometry: Any) -> Iterator[dict[str, Any]]:
    """A geometry, or those of a collection of them."""
    if isinstance(geometry, dict) and geometry.get("type") == COLLECTION:
        for each in geometry["geometries"]:
            yield from _geometries(each)
    else:
        yield geometry or {}


def _class(feature: dict[str, Any]) -> str | None:
    stated = (feature.get("properties") or {}).get("classification")
    if isinstance(stated, dict):
        names = stated.get("names")
        stated = ": ".join(str(each) for each in names) if isinstance(names, list) else stated.get("name")
    return str(stated) if stated else None


def _z_and_t(geometry: dict[str, Any]) -> tuple[Any, Any]:
    plane = geometry.get("plane")
    return (plane.get("z", 0), plane.get("t", 0)) if isinstance(plane, dict) else (0, 0)


def _positions(path: Path, values: Any) -> list[list[float]]:
    if not isinstance(values, list) or not all(isinstance(value, list) for value in values):
        raise ValueError(f"{path}: a geometry's coordinates are {values!r}: export the file again")
    return [value[:2] for value in values]


def _area(path: Path, polygons: Any) -> BaseGeometry:
    if not isinstance(polygons, list) or not all(isinstance(rings, list) for rings in polygons):
        raise ValueError(f"{path}: a polygon's coordinates are {polygons!r}: export the file again")
    areas = [area_of(path, [_ring(path, ring) for ring in rings]) for rings in polygons]
    return areas[0] if len(areas) == 1 else union_of(areas)


def _ring(path: Path, ring: Any) -> np.ndarray:
    return from_corner(as_points(path, _positions(path, ring), "vertex"))
