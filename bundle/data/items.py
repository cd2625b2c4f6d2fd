# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Which files of a data folder belong together, told from their names alone."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..files.images import IMAGE_SUFFIXES
from ..files.labels import LABEL_SUFFIXES
from ..files.untrusted_text import composed
from .diameters import Diameter
from .split import PARTS, Split

logger = logging.getLogger(__name__)

MOST_NAMED = 20  # files of a folder that are passed over


@dataclass(frozen=True)
class Item:
    """One image and what goes with it; None where there is no such file, or no diameter or share of its own."""

    name: str
    image_path: Path
    points_path: Path | None = None
    label_path: Path | None = None
    diameter: Diameter | None = None  # typical of its objects
    share: float | None = None  # how often it is learnt from, beside the others
    regions_path: Path | None = None  # where only parts of it are clicked


def scan(dataset_dir: Path) -> dict[str, Item]:
    """Base name -> image of a data folder with its files, sorted by name; nothing is opened.

    Raises:
        FileNotFoundError: no such folder, or none called images in it.
        ValueError: no image; two files of one base name.
    """
    folder = dataset_dir / "images"
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder}: no such folder: a data set is a folder that holds images/ and points/")
    images = files_by_name(folder, IMAGE_SUFFIXES)
    if not images:
        raise ValueError(f"{folder}: holds no image (PNG, TIFF or JPEG)")
    warn_of_others(folder, IMAGE_SUFFIXES)
    points = files_by_name(dataset_dir / "points", (".csv",))
    labels = files_by_name(dataset_dir / "labels", LABEL_SUFFIXES)
    lonely = [f"points/{name}.csv" for name in points if name not in images]
    if lonely:
        logger.warning("%s: %d points files belong to no image: %s", dataset_dir, len(lonely), some(lonely))
    regions = files_by_name(dataset_dir / "regions", (".geojson",))
    return {
        name: Item(name, path, points.get(name), labels.get(name), regions_path=regions.get(name))
        for name, path in images.items()
    }


def files_by_name(folder: Path, suffixes: Iterable[str]) -> dict[str, Path]:
    """Base name (`composed`) -> file, sorted; hidden files and other endings are left out.

    Raises:
        ValueError: two files of one base name.
    """
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.name.startswith(".") or path.suffix.lower() not in suffixes:
            continue
        if (name := composed(path.stem)) in found:
            raise ValueError(f"{path}: has the base name of {found[name].name}: rename or remove one of the two")
        found[name] = path
    return found


def warn_of_others(folder: Path, suffixes: Iterable[str], kinds: str = "PNG, TIFF or JPEG") -> None:
    """Name the files of a folder that are passed over for their ending; hidden files are not worth a word."""
    files = (path for path in folder.iterdir() if path.is_file() and path.name[0] != ".")
    others = sorted(path.name for path in files if path.suffix.lower() not in suffixes)
    if others:
        logger.warning("%s: %d files are no %s and not used: %s", folder, len(others), kinds, some(others, MOST_NAMED))


def split_by_files(items: Iterable[Item]) -> Split:
    """Images with points train; of the others those with a label are for testing."""
    split: Split = {part: [] for part in PARTS}
    for item in items:
        if item.points_path:
            split["training"].append(item.name)
        elif item.label_path:
            split["testing"].append(item.name)
    return split


def some(names: Sequence[str], most: int = 5) -> str:
    """The first few of many names, for a message."""
    return ", ".join(names[:most]) + (", ..." if len(names) > most else "")
