# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""XML of ASAP (Automated Slide Analysis Platform), which QuPath's MONAI Label extension sends too.

ASAP_Annotations/Annotations/Annotation, each with its Type and Coordinates/Coordinate with X and Y, px of the image's
full resolution from its upper left corner: a pixel covers [i, i + 1) and its centre is at i + 1/2, so half a px is
taken off. Types Dot and PointSet are clicks, lines and measurements are left aside, all others are areas. The class is
PartOfGroup. Document type definitions are refused.
"""

from __future__ import annotations

import logging
from collections import Counter
from pathlib import Path
from xml.etree.ElementTree import Element

import numpy as np
from transforms.pixel_centres import HALF_PIXEL

from ...files.untrusted_text import load_xml
from ..clicks import Clicks, Outline, area_of, as_points

logger = logging.getLogger(__name__)

ROOT = "ASAP_Annotations"
POINTS = ("dot", "pointset", "points")
LINES = ("line", "polyline", "measurement")


def is_asap(root: Element) -> bool:
    """Whether this is the root of such a file."""
    return root.tag == ROOT


def read_asap(path: Path) -> list[Clicks]:
    """Read one file, which is for one image.

    Raises:
        ValueError: no XML, a document type definition, another kind of XML, or a coordinate without numbers.
    """
    root = load_xml(path)
    if not is_asap(root):
        raise ValueError(f"{path}: begins with <{root.tag}>, not <{ROOT}>: save the annotations in ASAP")
    points = [np.zeros((0, 2))]
    names: list[str | None] = []
    outlines: list[Outline] = []
    lines: Counter[str] = Counter()
    for annotation in root.iterfind("Annotations/Annotation"):
        kind, name = annotation.get("Type", ""), _class(annotation)
        places = _places(path, annotation)
        if kind.lower() in POINTS:
            points.append(places)
            names += [name] * len(places)
        elif kind.lower() in LINES:
            lines[kind] += 1
        else:
            outlines.append(Outline(area_of(path, [places]), name))
    if lines:
        logger.warning("%s: annotations that are neither points nor areas are left out: %s", path, dict(lines))
    return [Clicks(path, np.concatenate(points), tuple(names), tuple(outlines))]


def _class(annotation: Element) -> str | None:
    group = annotation.get("PartOfGroup", "").strip()
    return group if group not in ("", "None") else None


def _places(path: Path, annotation: Element) -> np.ndarray:
    """Float64 (N, 2), px, pixel centres at integers."""
    values = [
        [_number(each.get("X")), _number(each.get("Y"))] for each in annotation.iterfind("Coordinates/Coordinate")
    ]
    return as_points(path, values, f"of annotation {annotation.get('Name', '')!r}, coordinate") - HALF_PIXEL


def _number(text: str | None) -> float:
    try:
        return float(text or "")
    except ValueError:
        return np.nan  # refused with all that is no number
