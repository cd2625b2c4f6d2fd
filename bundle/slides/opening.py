# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Which reader a slide gets, and whether it is whole: told in a second, before hours of work.

Files of scanners go to OpenSlide. Other TIFF files go to tifffile, which knows OME-TIFF, 16 bit and channels, where
OpenSlide would show 8-bit RGB; OpenSlide is asked again where a compression needs the package imagecodecs.
"""

from __future__ import annotations

import contextlib
import logging
from pathlib import Path

from openslide import OpenSlide

from ..files.image_kinds.raster import TIFF_SIGNATURES, ImageFileError
from ..files.image_kinds.tiff import CODECS
from ..files.image_kinds.tiff_directories import open_tiff
from ..files.quiet import silent
from ..files.view import View
from .openslide_file import OpenSlideFile
from .pyramid import SlideFile
from .tiff_file import TiffSlideFile

logger = logging.getLogger(__name__)

PLAIN = "generic-tiff"  # OpenSlide's name for a TIFF of no scanner


def open_slide_file(path: Path, view: View | None = None) -> SlideFile:
    """Open a slide.

    Args:
        path: the slide's file.
        view: which channel and plane are meant, where the file holds several.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: cut short, damaged, of an unknown kind, or compressed in a way that needs a package which is not
            there.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such slide")
    if not path.stat().st_size:
        raise ImageFileError(f"{path}: is empty (0 bytes): copy it again")
    is_tiff = _is_tiff(path)
    if is_tiff:
        check_whole(path)
    vendor = OpenSlide.detect_format(path)
    if vendor not in (None, PLAIN):
        return OpenSlideFile(path)
    if not is_tiff:
        raise ImageFileError(
            f"{path}: no slide that OpenSlide or tifffile knows: export it as OME-TIFF; for PNG and JPEG use"
            " `segment image`"
        )
    try:
        return TiffSlideFile(path, view)
    except ValueError as error:
        if CODECS not in str(error):
            raise
        return _open_without_codecs(path, vendor, error)


def _open_without_codecs(path: Path, vendor: str | None, reason: ValueError) -> SlideFile:
    if vendor == PLAIN:
        with contextlib.suppress(ValueError):  # OpenSlide knows JPEG and LZW
            return OpenSlideFile(path)
    raise ImageFileError(
        f"{path}: its compression needs the package {CODECS}: pip install {CODECS}, or save it uncompressed ({reason})"
    ) from reason


def check_whole(path: Path) -> None:
    """Compare where the tiles of a TIFF file should lie with where it ends.

    Raises:
        ValueError: it ends before its last tile, or before the table that says where the tiles are.
    """
    size, needed, pages = path.stat().st_size, 0, 0
    try:
        with silent("tifffile"), open_tiff(path) as tiff:
            for page in tiff.pages:
                whole = page.aspage()
                pages += 1
                for level in (whole, *(sub.aspage() for sub in whole.pages or ())):
                    tiles = zip(level.dataoffsets, level.databytecounts, strict=False)
                    needed = max(needed, *(start + count for start, count in tiles), 0)
    except ImageFileError:
        raise
    except Exception as error:  # a table that is cut off may raise anything
        logger.debug("%s: %s", path, error)
        pages = 0
    if not pages:
        raise ImageFileError(f"{path}: the table of its contents is missing: the slide is cut short; copy it again")
    if needed > size:
        raise ImageFileError(f"{path}: has {size:,} of {needed:,} bytes: the slide is cut short; copy it again")


def _is_tiff(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(4) in TIFF_SIGNATURES
