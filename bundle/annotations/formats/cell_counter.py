# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""XML of Fiji's Cell Counter: CellCounter_Marker_File/Marker_Data/Marker_Type, each a class with its markers.

The plugin rounds a click down to the pixel that it lies in, so MarkerX and MarkerY are pixel indices, which are pixel
centres here: nothing is changed. The class is the type's name or, where it has none, its number. MarkerZ is the slice,
from 1. Document type definitions are refused: no entity is ever expanded and nothing else is fetched.
"""

from __future__ import annotations

from pathlib import Path, PureWindowsPath
from xml.etree.ElementTree import Element

from ...files.untrusted_text import load_xml
from ..clicks import Clicks, as_points, warn_of_planes

ROOT = "CellCounter_Marker_File"


def is_cell_counter(root: Element) -> bool:
    """Whether this is the root of such a file."""
    return root.tag == ROOT


def read_cell_counter(path: Path) -> list[Clicks]:
    """Read one file, which is for one image.

    Raises:
        ValueError: no XML, a document type definition, another kind of XML, or a marker without numbers.
    """
    root = load_xml(path)
    if root.tag != ROOT:
        raise ValueError(f"{path}: begins with <{root.tag}>, not <{ROOT}>: save the markers in Fiji's Cell Counter")
    values: list[tuple[float, float]] = []
    names: list[str | None] = []
    slices: list[str] = []
    for kind in root.iterfind("Marker_Data/Marker_Type"):
        name = _text(kind, "Name") or _text(kind, "Type") or None
        for marker in kind.iterfind("Marker"):
            values.append((_number(path, marker, "MarkerX"), _number(path, marker, "MarkerY")))
            names.append(name)
            slices.append(_text(marker, "MarkerZ"))
    warn_of_planes(path, slices)
    image = _text(root, "Image_Properties/Image_Filename")
    return [Clicks(path, as_points(path, values), tuple(names), image=PureWindowsPath(image).stem or None)]


def _text(element: Element, name: str) -> str:
    return (element.findtext(name) or "").strip()


def _number(path: Path, marker: Element, name: str) -> float:
    try:
        return float(_text(marker, name))
    except ValueError:
        raise ValueError(f"{path}: a marker's {name} is {_text(marker, name)!r}, no number: delete it") from None
