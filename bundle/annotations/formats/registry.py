# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Which reader a file of clicks needs, told by its ending and, where that is not enough, by its content."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from ...files.untrusted_text import load_json, load_xml
from ..clicks import Clicks
from .asap import is_asap, read_asap
from .cell_counter import read_cell_counter
from .coco import is_coco, read_coco
from .dot_image import read_raster
from .dsa import is_dsa, read_dsa
from .geojson import read_geojson
from .imagej import read_imagej
from .napari import is_napari, read_napari
from .xy_table import read_plain

Reader = Callable[[Path], list[Clicks]]


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
    content = load_json(path)
    if is_coco(content):
        return read_coco(path)
    return read_dsa(path) if is_dsa(content) else read_geojson(path)


def _read_xml(path: Path) -> list[Clicks]:
    return read_asap(path) if is_asap(load_xml(path)) else read_cell_counter(path)


def _read_csv(path: Path) -> list[Clicks]:
    return read_napari(path) if is_napari(path) else read_plain(path)


RASTERS = (".png", ".tif", ".tiff")
READERS: Mapping[str, Reader] = {
    ".geojson": read_geojson,
    ".json": _read_json,
    ".roi": read_imagej,
    ".zip": read_imagej,
    ".csv": _read_csv,
    ".xml": _read_xml,
    **dict.fromkeys(RASTERS, read_raster),
}
