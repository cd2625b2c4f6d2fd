# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""QuPath's measurements exported as a table: a row for each object, for one image or for many.

`Centroid X \u00b5m` and `Centroid Y \u00b5m` name their unit; without a spacing QuPath
writes `Centroid X px`. Their zero is the image's corner. The columns Image and Class say which image and which class.
Areas whose class ends in *, such as Region*, and what is no object at all (the image, cores of a TMA) are no clicks.
"""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path, PureWindowsPath

from transforms.pixel_centres import from_corner

from ...files.csv_table import Row, read_cells, read_table
from ..choice import IGNORED
from ..clicks import PX, UM, Clicks, Unit
from .columns import number_columns

logger = logging.getLogger(__name__)

CENTROID = re.compile(r"centroid ([xy]) ?\(?(px|\u00b5m|\u03bcm|um)\)?", re.IGNORECASE)
NO_OBJECTS = ("image", "root", "root object", "pathrootobject", "tma core", "tmacoreobject")
POINT_SHAPES = ("point", "points")  # what the column ROI says of clicks
SEVERAL = "num points"  # of an annotation: of more than one, the centroid is no click
HEADER = "Image,Class,Centroid X \u00b5m,Centroid Y \u00b5m"


def is_qupath_table(header: Sequence[str]) -> bool:
    """Whether a table has QuPath's columns of centroids."""
    return len(_centroids(header)) >= 2


def read_qupath_table(path: Path) -> list[Clicks]:
    """Read one file, which is for the images that it names.

    Raises:
        ValueError: no such columns, a value that is no number, or a row of several points; names file and line.
    """
    header, rows = read_table(path, HEADER)
    places = _centroids(header)
    unit: Unit = PX if ("x", PX) in places and ("y", PX) in places else UM
    if ("x", unit) not in places or ("y", unit) not in places:
        raise ValueError(f"{path}, line 1: lacks one of Centroid X and Y in {unit}: export the measurements again")
    if any(count not in (None, "1", "1.0") for count in _column(path, header, rows, SEVERAL)):
        raise ValueError(f"{path}: has rows of several points, of which it gives the middle alone: export GeoJSON")
    values = number_columns(path, header, rows, [places["x", unit], places["y", unit]])
    points = from_corner(values) if unit == PX else values
    images, classes = (_column(path, header, rows, name) for name in ("image", "class"))
    is_click = _clicks_among(path, header, rows, classes)
    found = []
    for image in dict.fromkeys(images):
        own = [index for index, each in enumerate(images) if each == image and is_click[index]]
        named = tuple(classes[index] for index in own)
        found.append(Clicks(path, points[own], named, image=_stem(image), unit=unit, from_corner=True))
    return found or [Clicks(path, points, (), unit=unit, from_corner=True)]


def _clicks_among(path: Path, header: list[str], rows: list[Row], classes: list[str | None]) -> list[bool]:
    """Which rows are clicks, or cells; what is left out is said."""
    kinds, shapes = (_column(path, header, rows, name) for name in ("object type", "roi"))
    left_out = Counter(
        f"{kind or 'object'} of class {name}" if (name or "").endswith(IGNORED) else str(kind)
        for kind, shape, name in zip(kinds, shapes, classes, strict=True)
        if _is_no_click(kind, shape, name)
    )
    if left_out:
        named = ", ".join(f"{count} {what}" for what, count in sorted(left_out.items()))
        logger.warning("%s: rows that are no clicks are left out: %s", path, named)
    return [not _is_no_click(*row) for row in zip(kinds, shapes, classes, strict=True)]


def _is_no_click(kind: str | None, shape: str | None, name: str | None) -> bool:
    is_area = (shape or "").lower() not in POINT_SHAPES
    return (kind or "").lower() in NO_OBJECTS or (is_area and (name or "").endswith(IGNORED))


def _centroids(header: Sequence[str]) -> dict[tuple[str, str], int]:
    """(x or y, unit) -> column."""
    found: dict[tuple[str, str], int] = {}
    for column, name in enumerate(header):
        if match := CENTROID.fullmatch(name.strip()):
            found[match[1].lower(), PX if match[2].lower() == PX else UM] = column
    return found


def _column(path: Path, header: list[str], rows: list[Row], name: str) -> list[str | None]:
    names = [each.strip().lower() for each in header]
    if name not in names:
        return [None] * len(rows)
    return [read_cells(path, header, row, [names.index(name)])[0] or None for row in rows]


def _stem(image: str | None) -> str | None:
    return PureWindowsPath(image).stem if image else None
