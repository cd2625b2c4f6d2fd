# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""XML that CVAT exports as "CVAT for images 1.1": one file for many images, each with its shapes.

Coordinates are px of the image from its corner, so half a pixel is taken off. `points` are clicks; box, polygon,
ellipse and mask are areas. The class is the label.
"""

from __future__ import annotations

import math
from pathlib import Path, PureWindowsPath
from xml.etree.ElementTree import Element

from ...files.untrusted_text import load_xml
from ..clicks import Clicks
from ..marks import MarkCollector, mask_of_runs

ROOT = "annotations"


def is_cvat(root: Element) -> bool:
    """Whether this is the root of such a file."""
    return root.tag == ROOT and (root.find("image") is not None or root.find("track") is not None)


def read_cvat(path: Path) -> list[Clicks]:
    """Read one file, which is for the images that it lists.

    Raises:
        ValueError: another kind of XML, an export for videos, or a coordinate that is no number.
    """
    root = load_xml(path)
    if root.tag != ROOT:
        raise ValueError(f"{path}: begins with <{root.tag}>, not <{ROOT}>: export it as CVAT for images 1.1")
    if root.find("track") is not None:
        raise ValueError(f"{path}: is CVAT for video: export the task as CVAT for images 1.1")
    return [_clicks(path, image) for image in root.iterfind("image")]


def _clicks(path: Path, image: Element) -> Clicks:
    height, width = (int(_number(path, image, name)) for name in ("height", "width"))
    marks = MarkCollector(path, PureWindowsPath(image.get("name", "")).stem or None, (height, width))
    for shape in image:
        _add(marks, shape)
    return marks.as_clicks()


def _add(marks: MarkCollector, shape: Element) -> None:
    path, name = marks.path, shape.get("label")
    if shape.tag == "points":
        for x, y in _places(path, shape):
            marks.add_point(x, y, name)
    elif shape.tag == "polygon":
        marks.add_polygon(_places(path, shape), name)
    elif shape.tag == "box":
        left, top, right, bottom = (_number(path, shape, each) for each in ("xtl", "ytl", "xbr", "ybr"))
        if float(shape.get("rotation", 0)):
            marks.leave_out("turned box")
        else:
            marks.add_box(left, top, right - left, bottom - top, name)
    elif shape.tag == "ellipse":
        x, y, across, down = (_number(path, shape, each) for each in ("cx", "cy", "rx", "ry"))
        marks.add_ellipse(x, y, across, down, name, float(shape.get("rotation", 0)))
    elif shape.tag == "mask":
        left, top, width, height = (int(_number(path, shape, each)) for each in ("left", "top", "width", "height"))
        runs = [int(each) for each in shape.get("rle", "").split(",")]
        marks.add_mask(mask_of_runs(path, runs, height, width), left, top, name)
    elif shape.get("label") is not None:  # others, such as <tag>, mark the image and no place in it
        marks.leave_out(str(shape.tag))


def _places(path: Path, shape: Element) -> list[list[float]]:
    """Pairs of "x,y;x,y"; what is no number is NaN, and refused with all that is none."""
    pairs = [[_float(each) for each in pair.split(",")] for pair in shape.get("points", "").split(";") if pair]
    if wrong := [pair for pair in pairs if len(pair) != 2]:
        raise ValueError(f"{path}: a point of a {shape.tag} has {len(wrong[0])} numbers, not x and y: export it again")
    return pairs


def _number(path: Path, element: Element, name: str) -> float:
    value = _float(element.get(name, ""))
    if not math.isfinite(value):
        raise ValueError(f"{path}: {name} of a {element.tag} is {element.get(name)!r}, no number: export it again")
    return value


def _float(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
