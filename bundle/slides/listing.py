# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""What a slide is, and the slides that a command line names."""

from __future__ import annotations

import os
from pathlib import Path

from ..data.items import files_by_name
from ..files.images import IMAGE_SUFFIXES
from ..files.raster import file_kind, reading
from ..files.tiff_directories import open_tiff

# read part by part whatever their size; a TIFF may be either
SCANNER_SUFFIXES = (".svs", ".ndpi", ".vms", ".vmu", ".scn", ".mrxs", ".svslide", ".bif", ".czi", ".dcm")
SLIDE_SUFFIXES = (*SCANNER_SUFFIXES, ".tif", ".tiff")
IMAGE_OR_SLIDE_SUFFIXES = tuple(dict.fromkeys((*IMAGE_SUFFIXES, *SLIDE_SUFFIXES)))
MOST_WHOLE = 1 << 24  # px; a larger TIFF is read part by part


def list_slides(slides: str | os.PathLike[str], output: str | os.PathLike[str]) -> list[Path]:
    """The slide of this name, or the slides directly in this folder, by name; hidden files are left out.

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
    if not found:
        raise ValueError(f"{path}: holds no slide ({', '.join(SLIDE_SUFFIXES)})")
    _refuse_links(found)
    return found


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
    return file_kind(path) == "tiff" and reading(path, _pixels) > MOST_WHOLE


def _pixels(path: Path) -> int:
    with open_tiff(path) as tiff:
        page = tiff.pages.first
        return page.imagewidth * page.imagelength
