# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Objects as GeoJSON in the way QuPath (0.4 and newer) writes and reads them: File, Import objects from file.

Objects are written one after the other as they come, so a whole slide's need no more memory than one of them.
"""

from __future__ import annotations

import json
import math
import os
import uuid
from collections.abc import Iterable, Mapping
from typing import Any, BinaryIO, Literal

import numpy as np

from ..files.atomic import write_whole
from .colours import class_colour
from .polygons import PolygonPart, Ring, SlideObject

ObjectType = Literal["detection", "annotation"]  # QuPath's: many small things, or a few that a person may edit

DECIMALS = 3  # of px
NAMESPACE = uuid.UUID("5f1e24a8-0d5c-5a8e-9d0c-0d3f7c1b6a52")  # of the ids; any fixed one does


def write_geojson(
    path: str | os.PathLike[str], objects: Iterable[SlideObject], source: str, object_type: ObjectType = "detection"
) -> int:
    """Write a FeatureCollection.

    Args:
        path: the file, `.geojson`.
        objects: in px of the image's full resolution; taken one by one.
        source: name of the image; with an object's id it makes the object's UUID, the same in every run.
        object_type: what QuPath makes of them.

    Returns:
        How many objects were written.

    Raises:
        ValueError: a measurement is no finite number, which JSON cannot hold; nothing is written then.
    """
    count = 0

    def write(stream: BinaryIO) -> None:
        nonlocal count
        stream.write(b'{"type":"FeatureCollection","features":[')
        for item in objects:
            text = json.dumps(feature(item, source, object_type), separators=(",", ":"))
            stream.write((",\n" if count else "\n").encode() + text.encode())
            count += 1
        stream.write(b"\n]}\n")

    write_whole(path, write)
    return count


def feature(item: SlideObject, source: str, object_type: ObjectType = "detection") -> dict[str, Any]:
    """One object as a GeoJSON Feature with QuPath's properties; errors as `write_geojson`."""
    properties: dict[str, Any] = {
        "objectType": object_type,
        "name": str(item.id),
        "classification": {"name": item.classification, "color": list(class_colour(item.classification))},
    }
    if item.measurements:
        properties["measurements"] = _finite(item)
    return {
        "type": "Feature",
        "id": str(uuid.uuid5(NAMESPACE, f"{source}/{item.id}")),
        "geometry": _geometry(item.parts),
        "properties": properties,
    }


def _geometry(parts: tuple[PolygonPart, ...]) -> dict[str, Any]:
    polygons = [[_closed(ring) for ring in (part.exterior, *part.holes)] for part in parts]
    if len(polygons) == 1:
        return {"type": "Polygon", "coordinates": polygons[0]}
    return {"type": "MultiPolygon", "coordinates": polygons}


def _closed(ring: Ring) -> list[list[float]]:
    rounded = np.round(ring, DECIMALS)
    whole = rounded.astype(np.int64)
    points: list[list[float]] = (whole if np.array_equal(whole, rounded) else rounded).tolist()
    return [*points, points[0]]


def _finite(item: SlideObject) -> Mapping[str, float]:
    for name, value in item.measurements.items():
        if not math.isfinite(value):
            raise ValueError(f"object {item.id}: {name} is {value}: leave out a measurement that is not known")
    return item.measurements
