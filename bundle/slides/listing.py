# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""What a slide is, and the slides that a command line names."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from pathlib import Path

from openslide import OpenSlide, OpenSlideError

from ..data.items import files_by_name, warn_of_others
from ..files.image_kinds.raster import file_kind, reading
from ..files.image_kinds.tiff_directories import open_tiff
from ..files.images import IMAGE_SUFFIXES

logger = logging.getLogger(__name__)

DICOM = ".dcm"
# read part by part whatever their size; a TIFF may be either
SCANNER_SUFFIXES = (".svs", ".ndpi", ".vms", ".vmu", ".scn", ".mrxs", ".svslide", ".bif", ".czi", DICOM)
SLIDE_SUFFIXES = (*SCANNER_SUFFIXES, ".tif", ".tiff")
IMAGE_OR_SLIDE_SUFFIXES = tuple(dict.fromkeys((*IMAGE_SUFFIXES, *SLIDE_SUFFIXES)))
MOST_WHOLE = 1 << 24  # px; a larger TIFF is read part by part


def list_slides(slides: str | os.PathLike[str], output: str | os.PathLike[str]) -> list[Path]:
    """The slide of this name, or the slides directly in this folder, by name; hidden files are left out.

    The files of a DICOM slide (its levels, its label, ...) are one slide, which the first of them by name stands for.

    Args:
        slides: a slide's file or a folder.
        output: where results will go.

    Raises:
        FileNotFoundError: there is neither a file nor a folder of this name.
        ValueError: the folder holds no slide, two of one base name or links to one file, or is where the results are
            to go.
    """
    path = Path(slides)
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise FileNotFoundError(f"{path}: no such slide, and no such folder")
    if Path(output).resolve() == path.resolve():
        raise ValueError(f"output {output} is the folder of the slides: name another one")
    found = [each for each in files_by_name(path, SLIDE_SUFFIXES).values() if not each.is_dir()]
    warn_of_others(path, SLIDE_SUFFIXES, "slides")
    if not found:
        raise ValueError(f"{path}: holds no slide ({', '.join(SLIDE_SUFFIXES)})")
    _refuse_links(found)
    return one_of_each_series(found)


def one_of_each_series(files: Sequence[Path]) -> list[Path]:
    """Files without those of a DICOM slide that another one of them stands for: OpenSlide opens all by any of them."""
    kept: list[Path] = []
    first: dict[tuple[Path, str], Path] = {}
    for file in files:
        series = _series(file)
        if series is None or first.setdefault((file.parent, series), file) is file:
            kept.append(file)
    if len(kept) < len(files):
        slides = ", ".join(file.name for file in first.values())
        logger.info("%d DICOM files belong to %d slides: %s", len(files) - len(kept) + len(first), len(first), slides)
    return kept


def _series(file: Path) -> str | None:
    """Which DICOM slide a file belongs to; None where it is another slide, or none that can be read."""
    if file.suffix.lower() != DICOM:
        return None
    try:
        with OpenSlide(file) as slide:
            return slide.properties.get("dicom.SeriesInstanceUID")
    except OpenSlideError as error:  # it is told when it is segmented
        logger.debug("%s: %s", file, error)
        return None


def _refuse_links(slides: list[Path]) -> None:
    """Two names of one file: blocks are told apart by their slide's file."""
    first: dict[Path, Path] = {}
    for slide in slides:
        if (other := first.setdefault(slide.resolve(), slide)) is not slide:
            raise ValueError(f"{other} and {slide} are the same file: remove one of the links")


def is_slide(path: Path) -> bool:
    """Whether a file is read part by part: slides by their ending, and large TIFF files.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is neither a slide nor PNG, TIFF or JPEG.
    """
    if path.suffix.lower() in SCANNER_SUFFIXES:
        return True
    return file_kind(path) == "tiff" and reading(path, _pixels_on_disk) > MOST_WHOLE


def _pixels_on_disk(path: Path) -> int:
    with open_tiff(path) as tiff:
        page = tiff.pages.first
        return page.imagewidth * page.imagelength
