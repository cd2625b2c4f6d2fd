# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""JSON of VIA 2 (VGG Image Annotator): a project, or annotations alone; one file for many images.

Coordinates are px of the image from its corner, so half a pixel is taken off. Regions of shape point are clicks; rect,
circle, ellipse and polygon are areas. The class is the region's attribute class, label, type or name, or its only one.
"""

from __future__ import annotations

import math
from pathlib import Path, PureWindowsPath
from typing import Any

from ...files.untrusted_text import load_json
from ..clicks import Clicks
from ..marks import MarkCollector

METADATA = "_via_img_metadata"
CLASSES = ("class", "label", "type", "name")


def is_via(content: Any) -> bool:
    """Whether the content of a JSON file is VIA's."""
    return bool(_records(content))


def read_via(path: Path) -> list[Clicks]:
    """Read one file, which is for the images that it lists.

    Raises:
        ValueError: no such JSON, or a shape whose coordinates are no numbers.
    """
    records = _records(load_json(path))
    if not records:
        raise ValueError(f"{path}: lists no image: export the annotations of VIA as JSON")
    return [_clicks(path, record) for record in records]


def _records(content: Any) -> list[dict[str, Any]]:
    inner = content.get(METADATA, content) if isinstance(content, dict) else None
    records = list(inner.values()) if isinstance(inner, dict) else []
    whole = [each for each in records if isinstance(each, dict) and "filename" in each and "regions" in each]
    return whole if len(whole) == len(records) else []


def _clicks(path: Path, record: dict[str, Any]) -> Clicks:
    marks = MarkCollector(path, PureWindowsPath(str(record["filename"])).stem or None)
    regions = record["regions"]
    for region in regions.values() if isinstance(regions, dict) else regions:  # VIA 1 numbers them
        _add(marks, region["shape_attributes"], _class(region.get("region_attributes") or {}))
    return marks.as_clicks()


def _add(marks: MarkCollector, shape: dict[str, Any], name: str | None) -> None:
    kind = shape.get("name")
    if kind == "point":
        marks.add_point(shape["cx"], shape["cy"], name)
    elif kind == "rect":
        marks.add_box(shape["x"], shape["y"], shape["width"], shape["height"], name)
    elif kind == "circle":
        marks.add_ellipse(shape["cx"], shape["cy"], shape["r"], shape["r"], name)
    elif kind == "ellipse":
        turned = math.degrees(shape.get("theta", 0.0))
        marks.add_ellipse(shape["cx"], shape["cy"], shape["rx"], shape["ry"], name, turned)
    elif kind == "polygon":
        marks.add_polygon(list(zip(shape["all_points_x"], shape["all_points_y"], strict=True)), name)
    else:
        marks.leave_out(str(kind))


def _class(attributes: dict[str, Any]) -> str | None:
    """Of a checkbox, {"Tumor": true}, the names that are ticked."""
    known = [attributes[each] for each in CLASSES if attributes.get(each)]
    value = known[0] if known else next(iter(attributes.values())) if len(attributes) == 1 else None
    if isinstance(value, dict):
        value = ", ".join(str(each) for each, ticked in value.items() if ticked)
    return str(value) if value else None
