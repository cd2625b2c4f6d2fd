# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""JSON of LabelMe: a file for each image, with shapes, each with its label, its type and its points.

Points are x, y in px of the image from its corner, so half a pixel is taken off. Types point and points are clicks;
polygon, rectangle (two corners), circle (centre and a point on it) and mask are areas. The class is the label.
"""

from __future__ import annotations

import base64
import io
import math
from pathlib import Path, PureWindowsPath
from typing import Any

import numpy as np
from PIL import Image

from ...files.untrusted_text import load_json
from ..clicks import Clicks
from ..marks import MarkCollector


def is_labelme(content: Any) -> bool:
    """Whether the content of a JSON file is LabelMe's."""
    return isinstance(content, dict) and isinstance(content.get("shapes"), list)


def read_labelme(path: Path) -> list[Clicks]:
    """Read one file, which is for one image.

    Raises:
        ValueError: no JSON, or a shape whose points are no numbers.
    """
    content = load_json(path)
    if not is_labelme(content):
        raise ValueError(f"{path}: has no list of shapes: save it in LabelMe")
    height, width = content.get("imageHeight"), content.get("imageWidth")
    size = (height, width) if isinstance(height, int) and isinstance(width, int) else None
    image = content.get("imagePath")
    marks = MarkCollector(path, PureWindowsPath(image).stem if isinstance(image, str) else None, size)
    for shape in content["shapes"]:
        _add(marks, shape)
    return [marks.as_clicks()]


def _add(marks: MarkCollector, shape: dict[str, Any]) -> None:
    kind, name, points = shape.get("shape_type") or "polygon", shape.get("label") or None, shape["points"]
    if kind in ("point", "points"):
        wanted = shape.get("point_labels") or [1] * len(points)  # 0: where the object is not, for a model that outlines
        for (x, y), kept in zip(points, wanted, strict=True):
            if kept:
                marks.add_point(x, y, name)
            else:
                marks.leave_out("point where the object is not")
    elif kind == "polygon":
        marks.add_polygon(points, name)
    elif kind == "rectangle":
        (left, top), (right, bottom) = np.min(points, axis=0).tolist(), np.max(points, axis=0).tolist()
        marks.add_box(left, top, right - left, bottom - top, name)
    elif kind == "circle":
        (x, y), (other_x, other_y) = points
        radius = math.hypot(other_x - x, other_y - y)
        marks.add_ellipse(x, y, radius, radius, name)
    elif kind == "mask" and shape.get("mask"):
        left, top = points[0]
        marks.add_mask(_mask_of_png(marks.path, shape["mask"]), left, top, name)
    else:
        marks.leave_out(str(kind))


def _mask_of_png(path: Path, text: str) -> np.ndarray:
    """A small PNG in base64, as (h, w)."""
    try:
        with Image.open(io.BytesIO(base64.b64decode(text, validate=True)), formats=["PNG"]) as image:
            return np.asarray(image.convert("L")) > 0
    except (OSError, ValueError) as error:
        raise ValueError(f"{path}: a mask is no PNG in base64 ({error}): save the file again") from error
