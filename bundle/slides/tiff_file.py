# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Slides in TIFF files of no scanner: OME-TIFF, pyramids, plain large TIFF, 8 or 16 bit, RGB, grey or many channels.

Tiles and strips are decoded one by one by tifffile, so no part of an image is read that is not asked for. Compressions
such as JPEG, JPEG 2000 and LZW need the package imagecodecs.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from tifffile import TiffPage
from transforms.size import Size

from ..files.image_kinds.raster import ImageFileError, reading
from ..files.image_kinds.tiff_content import JPEG_COMPRESSIONS, PALETTE, SEPARATE, Part, read_content, shown
from ..files.image_kinds.tiff_directories import open_tiff
from ..files.view import View
from .grid import Box
from .pyramid import MOST_IN_PIECE, Level

PIECE = (512, 512)  # px, of images stored row by row without compression


class TiffSlideFile:
    """A TIFF file that is read tile by tile.

    Args:
        path: the file.
        view: which channel and plane are meant, where it holds several.

    Raises:
        ValueError: damaged or cut short, not one flat picture (`read_content`), of other pixels than 8 and 16 bit,
            compressed in a way that needs imagecodecs, or stored in one piece too large to read.
    """

    def __init__(self, path: Path, view: View | None = None) -> None:
        self.path = path
        self._tiff = open_tiff(path)
        try:
            reading(path, lambda path: self._open(view or View()))
        except BaseException:
            self._tiff.close()
            raise

    def close(self) -> None:
        """Free the file."""
        self._tiff.close()

    def piece(self, level: int, row: int, column: int) -> np.ndarray:
        """(h, w, S) of a level; ValueError where the file is damaged."""
        return reading(self.path, lambda _: self._piece(level, row, column))

    def _open(self, view: View) -> None:
        content = read_content(self.path, self._tiff, view)
        first = content.page
        if first.dtype not in (bool, np.uint8, np.uint16):
            raise ImageFileError(
                f"{self.path}: its pixels are {first.dtype}: save it as 8- or 16-bit unsigned integers"
            )
        self._stored = np.dtype(first.dtype)
        self.dtype = np.dtype(np.uint8) if first.photometric == PALETTE or first.dtype == bool else self._stored
        self.samples, self.mpp, self.bits = content.samples, content.mpp, content.bits
        self._parts = content.levels
        slide = (first.imagelength, first.imagewidth)
        pages = [parts[0].page for parts in self._parts]
        self.levels = tuple(
            Level.of(slide, (page.imagelength, page.imagewidth), self._size_of_pieces(page)) for page in pages
        )
        self._piece(len(self.levels) - 1, 0, 0)  # a missing codec is told now

    def _size_of_pieces(self, page: TiffPage) -> Size:
        if _is_plain(page):
            return PIECE
        size = (page.tilelength, page.tilewidth) if page.is_tiled else (page.rowsperstrip, page.imagewidth)
        height, width = min(size[0], page.imagelength), min(size[1], page.imagewidth)
        if width * height > MOST_IN_PIECE:
            raise ImageFileError(
                f"{self.path}: is stored in pieces of {width} x {height} px, so that no part of it can be read alone:"
                " save it tiled (256 x 256 px, for example)"
            )
        return height if not page.is_tiled else size[0], size[1]

    def _piece(self, level: int, row: int, column: int) -> np.ndarray:
        height, width = self.levels[level].piece
        box = Box(column * width, row * height, (column + 1) * width, (row + 1) * height)
        box = box.within(Box.of(self.levels[level].size))
        samples = []
        for part in self._parts[level]:
            pixels = self._plain(part, box) if _is_plain(part.page) else self._decoded(part, row, column)
            samples.append(pixels[: box.height, : box.width, part.samples].astype(self._stored, copy=False))
        stored = np.concatenate(samples, axis=-1) if len(samples) > 1 else samples[0]
        return shown(self._parts[level][0].page, stored)

    def _plain(self, part: Part, box: Box) -> np.ndarray:
        """Rows of an image that lies in the file as it is: (h, w, S)."""
        page, file = part.page, self._tiff.filehandle
        stored = np.dtype(self._tiff.byteorder + self._stored.char)
        samples = page.samplesperpixel if page.planarconfig != SEPARATE else 1
        pixel = stored.itemsize * samples  # bytes
        start = page.dataoffsets[0] + part.plane * page.imagelength * page.imagewidth * pixel
        rows = []
        for row in range(box.top, box.bottom):
            file.seek(start + (row * page.imagewidth + box.left) * pixel)
            rows.append(file.read(box.width * pixel))
        return np.frombuffer(b"".join(rows), stored).reshape(box.height, box.width, samples)

    def _decoded(self, part: Part, row: int, column: int) -> np.ndarray:
        """One tile or strip (h, w, S), as large as it is stored."""
        page, file = part.page, self._tiff.filehandle
        across = math.ceil(page.imagewidth / page.tilewidth) if page.is_tiled else 1
        per_plane = len(page.dataoffsets) // (page.samplesperpixel if page.planarconfig == SEPARATE else 1)
        index = part.plane * per_plane + row * across + column
        data: bytes | None = None
        if page.databytecounts[index]:
            file.seek(page.dataoffsets[index])
            data = file.read(page.databytecounts[index])
        options = {"jpegtables": page.jpegtables, "jpegheader": page.jpegheader} if _is_jpeg(page) else {}
        segment, _, shape = page.decode(data, index, **options)
        if segment is None:
            return np.full(shape[1:], 0 if self.samples == 1 else np.iinfo(self._stored).max, self._stored)
        return segment[0]


def _is_jpeg(page: TiffPage) -> bool:
    return int(page.compression) in JPEG_COMPRESSIONS


def _is_plain(page: TiffPage) -> bool:
    return bool(page.is_memmappable) and not page.is_tiled
