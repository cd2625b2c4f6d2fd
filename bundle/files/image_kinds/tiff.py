# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The picture in a TIFF file, read whole: exact pixels of any bit depth.

tifffile reads the pixels; a compression that it leaves to the package imagecodecs (LZW, JPEG) is decoded by Pillow
(8 bit) or ITK (16 bit) when that package is not there.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from tifffile import TiffFile

from ..view import View
from .raster import ImageFileError, Raster, check_pixels, read_indices, read_itk, read_pillow, reading
from .tiff_content import PALETTE, SEPARATE, Part, TiffContent, read_content, shown
from .tiff_directories import open_tiff

CODECS = "imagecodecs"


def read_tiff(path: Path, view: View | None = None) -> Raster:
    """Read the picture in a TIFF file; smaller copies of it (pyramid levels, thumbnails) are left aside.

    Raises:
        ValueError: damaged, or not one flat picture, see `read_content`.
    """
    return reading(path, lambda path: _read_first(path, view or View(), as_shown=True))


def read_tiff_values(path: Path) -> Raster:
    """As `read_tiff`, but the values are those that are stored, of a palette its indices: what a label means."""
    return reading(path, lambda path: _read_first(path, View(), as_shown=False))


def is_deep_tiff(path: Path) -> bool:
    """Whether the first picture of a TIFF file has more than 8 bits a sample; ValueError where it is damaged."""

    def look(path: Path) -> bool:
        with open_tiff(path) as tiff:
            return bool(tiff.pages.first.dtype == np.uint16)

    return reading(path, look)


def _read_first(path: Path, view: View, as_shown: bool) -> Raster:
    with open_tiff(path) as tiff:
        content = read_content(path, tiff, view)
        page, whole = content.page, not content.levels[0][0].plane  # a stack in one directory is decoded as a whole
        check_pixels(path, page.imagewidth, page.imagelength * (page.imagedepth if whole else 1))
        try:
            stored = _stored(tiff, content.levels[0])
        except ValueError as error:
            if CODECS not in str(error):
                raise
            return _read_without_codecs(path, content, as_shown, error)
        array = shown(content.page, stored) if as_shown else _as_numbers(stored)
    return Raster(array, mpp=content.mpp, notes=content.notes, bits=content.bits)


def _as_numbers(stored: np.ndarray) -> np.ndarray:
    return stored.astype(np.uint8) if stored.dtype == bool else stored


def _stored(tiff: TiffFile, parts: tuple[Part, ...]) -> np.ndarray:
    """(H, W, S)."""
    decoded: dict[int | tuple[int, ...], np.ndarray] = {}  # page -> its pixels, which several parts may share
    samples = []
    for part in parts:
        page = part.page
        size = page.imagelength, page.imagewidth
        if page.planarconfig == SEPARATE and page.samplesperpixel > 1:
            if page.index not in decoded:
                decoded[page.index] = page.asarray()
            samples.append(decoded[page.index].reshape(-1, *size)[part.plane][..., None])
        elif part.plane:
            samples.append(_of_stack(tiff, part).reshape(*size, -1)[..., part.samples])
        else:
            samples.append(page.asarray().reshape(*size, -1)[..., part.samples])
    return np.concatenate(samples, axis=-1) if len(samples) > 1 else samples[0]


def _of_stack(tiff: TiffFile, part: Part) -> np.ndarray:
    """One plane of a stack that one directory describes, uncompressed, plane after plane."""
    page, file = part.page, tiff.filehandle
    own = np.dtype(page.dtype)
    stored = own.newbyteorder(">" if tiff.byteorder == ">" else "<")
    count = page.imagelength * page.imagewidth * page.samplesperpixel
    file.seek(page.dataoffsets[0] + part.plane * count * stored.itemsize)
    return np.frombuffer(file.read(count * stored.itemsize), stored).astype(own)


def _read_without_codecs(path: Path, content: TiffContent, as_shown: bool, reason: ValueError) -> Raster:
    """Pillow and ITK show the first picture of a file, and nothing else."""
    page, (first, *others) = content.page, content.levels[0]
    if page.index != 0 or others or first.plane:
        raise ImageFileError(f"{path}: its compression needs the package {CODECS}: pip install {CODECS}") from reason
    if page.bitspersample == 16:
        stored = read_itk(path)[..., first.samples]
        return Raster(
            shown(page, stored) if as_shown else stored, mpp=content.mpp, notes=content.notes, bits=content.bits
        )
    found = read_pillow(path) if as_shown else read_indices(path)
    return Raster(
        found.array if page.photometric == PALETTE else found.array[..., first.samples],
        mpp=content.mpp,
        notes=content.notes,
    )
