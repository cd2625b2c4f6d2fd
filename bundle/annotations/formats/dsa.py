# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""JSON of annotations of the Digital Slide Archive (HistomicsUI): elements of type point, and areas.

Coordinates are x, y, z in px of the image's full resolution from its upper left corner: a pixel covers [i, i + 1) and
its centre is at i + 1/2, so half a px is taken off. A file holds one annotation, with or without what the server keeps
of it, or a list of them. The class is the element's group, else its label.
"""

from __future__ import annotations

import logging
import math
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry
from transforms.pixel_centres import HALF_PIXEL

from ...files.untrusted_text import load_json
from ..clicks import Clicks, Outline, area_of, as_points

logger = logging.getLogger(__name__)

ROUND = 64  # corners of a circle


def is_dsa(content: Any) -> bool:
    """Whether JSON is of this form."""
    return bool(_documents(content))


def read_dsa(path: Path) -> list[Clicks]:
    """Read one file, which is for one image.

    Raises:
        ValueError: no such JSON, or an element whose coordinates are no numbers.
    """
    documents = _documents(load_json(path))
    if not documents:
        raise ValueError(f"{path}: is no annotation of the Digital Slide Archive: it has no list of elements")
    points: list[list[float]] = []
    names: list[str | None] = []
    outlines: list[Outline] = []
    others: Counter[str] = Counter()
    for element in (element for document in documents for element in document["elements"]):
        kind, name = (str(element.get("type")), _class(element)) if isinstance(element, dict) else ("no object", None)
        if kind == "point":
            points.append(_position(path, element.get("center")))
            names.append(name)
        elif kind in AREAS and (kind != "polyline" or element.get("closed")):
            outlines.append(Outline(AREAS[kind](path, element), name))
        else:
            others[kind] += 1
    if others:
        logger.warning("%s: elements that are neither points nor areas are left out: %s", path, dict(others))
    return [Clicks(path, as_points(path, points) - HALF_PIXEL, tuple(names), tuple(outlines))]


def _documents(content: Any) -> list[dict[str, Any]]:
    """The annotations in a file's content; none where it is anything else."""
    each = content if isinstance(content, list) else [content]
    bare = [item.get("annotation", item) if isinstance(item, dict) else None for item in each]
    whole = [item for item in bare if isinstance(item, dict) and isinstance(item.get("elements"), list)]
    return whole if len(whole) == len(bare) else []


def _class(element: dict[str, Any]) -> str | None:
    label = element.get("label")
    name = element.get("group") or (label.get("value") if isinstance(label, dict) else None)
    return str(name) if name else None


def _position(path: Path, value: Any) -> list[float]:
    if not isinstance(value, list) or len(value) < 2:
        raise ValueError(f"{path}: a position is {value!r}, no x and y: export the annotation again")
    return value[:2]


def _polyline(path: Path, element: dict[str, Any]) -> BaseGeometry:
    rings = [element.get("points"), *(element.get("holes") or [])]
    return area_of(path, [_ring(path, ring) for ring in rings])


def _ring(path: Path, ring: Any) -> np.ndarray:
    if not isinstance(ring, list):
        raise ValueError(f"{path}: the points of a polyline are {ring!r}: export the annotation again")
    return as_points(path, [_position(path, point) for point in ring], "vertex") - HALF_PIXEL


def _rectangle(path: Path, element: dict[str, Any]) -> BaseGeometry:
    corners = np.array([(-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)])
    return _turned(path, element, corners * _numbers(path, element, "width", "height"))


def _ellipse(path: Path, element: dict[str, Any]) -> BaseGeometry:
    return _turned(path, element, _unit_circle() * _numbers(path, element, "width", "height") / 2)


def _circle(path: Path, element: dict[str, Any]) -> BaseGeometry:
    return _turned(path, element, _unit_circle() * _numbers(path, element, "radius"))


def _unit_circle() -> np.ndarray:
    angles = np.arange(ROUND) * math.tau / ROUND
    return np.stack([np.cos(angles), np.sin(angles)], 1)  # (ROUND, 2)


def _turned(path: Path, element: dict[str, Any], corners: np.ndarray) -> BaseGeometry:
    """Corners (N, 2) around 0, turned by the element's rotation (rad, from x to y) and moved to its centre."""
    (centre,) = as_points(path, [_position(path, element.get("center"))], "centre")
    angle = _numbers(path, {"rotation": 0.0, **element}, "rotation")[0]
    turn = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    return shapely.make_valid(shapely.Polygon(corners @ turn + centre - HALF_PIXEL))


def _numbers(path: Path, element: dict[str, Any], *names: str) -> np.ndarray:
    values = [element.get(name) for name in names]
    if not all(isinstance(value, int | float) and math.isfinite(value) for value in values):
        raise ValueError(f"{path}: {' and '.join(names)} of a {element.get('type')} are {values}, no numbers")
    return np.array(values, np.float64)


AREAS = {"polyline": _polyline, "rectangle": _rectangle, "ellipse": _ellipse, "circle": _circle}
