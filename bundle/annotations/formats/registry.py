# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Which reader a file of clicks needs, told by its ending and, where that is not enough, by its content.

A format more is a module beside this one and a row in one of these tables.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...files.csv_table import read_table
from ...files.untrusted_text import load_json, load_xml
from ..clicks import Clicks
from .aperio import is_aperio, read_aperio
from .asap import is_asap, read_asap
from .cell_counter import is_cell_counter, read_cell_counter
from .coco import is_coco, read_coco
from .cvat import is_cvat, read_cvat
from .dot_image import read_raster
from .dsa import is_dsa, read_dsa
from .geojson import is_geojson, read_geojson
from .imagej import read_imagej
from .imagej_results import is_imagej_results, read_imagej_results
from .label_studio import is_label_studio, read_label_studio
from .labelme import is_labelme, read_labelme
from .napari import is_napari, read_napari
from .qupath_table import is_qupath_table, read_qupath_table
from .via import is_via, read_via
from .xy_table import is_plain, read_plain

Reader = Callable[[Path], list[Clicks]]


@dataclass(frozen=True)
class PointFormat:
    """What one program writes."""

    title: str
    recognises: Callable[[Any], bool]  # content of JSON, root of XML, or header of a table
    read: Reader


JSON = (
    PointFormat("COCO", is_coco, read_coco),
    PointFormat("LabelMe", is_labelme, read_labelme),
    PointFormat("VIA", is_via, read_via),
    PointFormat("Label Studio", is_label_studio, read_label_studio),
    PointFormat("Digital Slide Archive", is_dsa, read_dsa),
    PointFormat("GeoJSON (QuPath)", is_geojson, read_geojson),
)
XML = (
    PointFormat("Fiji's Cell Counter", is_cell_counter, read_cell_counter),
    PointFormat("ASAP", is_asap, read_asap),
    PointFormat("Aperio ImageScope", is_aperio, read_aperio),
    PointFormat("CVAT for images", is_cvat, read_cvat),
)
TABLES = (
    PointFormat("napari's points layer (index,axis-0,axis-1)", is_napari, read_napari),
    PointFormat("ImageJ's Results", is_imagej_results, read_imagej_results),
    PointFormat("QuPath's measurements (Centroid X, Centroid Y)", is_qupath_table, read_qupath_table),
    PointFormat("a table of x,y in px", is_plain, read_plain),
)


def read_clicks(path: Path) -> list[Clicks]:
    """Read a file of clicks: one `Clicks` for each image that it is for, in px with pixel centres at integers.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: its ending is unknown, or as its reader says.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file of clicks")
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise ValueError(f"{path}: its ending is none of {', '.join(READERS)}: see docs/points.md for what is read")
    try:
        return reader(path)
    except (AttributeError, KeyError, IndexError, TypeError) as error:  # a text where a list should be, and the like
        raise ValueError(f"{path}: is not built as its format is ({error}): export it again") from error


def _read_json(path: Path) -> list[Clicks]:
    return _known(path, JSON, load_json(path), "JSON").read(path)


def _read_xml(path: Path) -> list[Clicks]:
    root = load_xml(path)
    return _known(path, XML, root, f"XML that begins with <{root.tag}>").read(path)


def _read_table(path: Path) -> list[Clicks]:
    header = read_table(path, "x,y")[0]
    return next((each.read for each in TABLES if each.recognises(header)), read_plain)(path)  # it says what is known


def _known(path: Path, formats: Sequence[PointFormat], content: Any, what: str) -> PointFormat:
    found = next((each for each in formats if each.recognises(content)), None)
    if found is None:
        known = ", ".join(each.title for each in formats)
        raise ValueError(f"{path}: this {what} is of no known format; known are: {known} (docs/points.md)")
    return found


RASTERS = (".png", ".tif", ".tiff")
READERS: Mapping[str, Reader] = {
    ".geojson": _read_json,
    ".json": _read_json,
    ".roi": read_imagej,
    ".zip": read_imagej,
    ".csv": _read_table,
    ".tsv": _read_table,
    ".xml": _read_xml,
    **dict.fromkeys(RASTERS, read_raster),
}
