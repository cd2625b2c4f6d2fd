# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Slides in TIFF files of no scanner: OME-TIFF, pyramids, plain large TIFF, 8 or 16 bit, RGB, grey or many channels.

Tiles and strips are decoded one by one by tifffile, so no part of an image is read that is not asked for. Compressions
such as JPEG, JPEG 2000 and LZW need the package imagecodecs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tifffile import TiffFile, TiffPage, TiffPageSeries

from ..files.ome import ome_spacing
from ..files.raster import UPRIGHT, ImageFileError, reading, refuse_turned
from ..files.tiff import JPEG_COMPRESSIONS, MICROSCOPIC, MINISBLACK, MINISWHITE, RGB, SQUARE, YCBCR, spacing
from .grid import Box
from .pyramid import MOST_PIXELS, Level

PIECE = (512, 512)  # px, of images stored row by row without compression


@dataclass(frozen=True)
class Plane:
    """Where the pixels of one level lie: in which page, in which of its planes, and which of their samples count."""

    page: TiffPage
    plane: int
    samples: slice


class TiffSlideFile:
    """A TIFF file that is read tile by tile.

    Args:
        path: the file.
        channel: which channel of an image that has several and is not RGB, 0 the first.

    Raises:
        ValueError: damaged or cut short, a stack, of other pixels than 8- and 16-bit grey or RGB, turned, no square
            pixels, compressed in a way that needs imagecodecs, or stored in one piece too large to read.
    """

    def __init__(self, path: Path, channel: int = 0) -> None:
        self.path = path
        self._tiff: TiffFile = reading(path, lambda path: TiffFile(path, _multifile=False))
        try:
            reading(path, lambda path: self._open(channel))
        except BaseException:
            self._tiff.close()
            raise

    def close(self) -> None:
        """Free the file."""
        self._tiff.close()

    def piece(self, level: int, row: int, column: int) -> np.ndarray:
        """(h, w, S) of a level; ValueError where the file is damaged."""
        return reading(self.path, lambda _: self._piece(level, row, column))

    def _open(self, channel: int) -> None:
        ome = ome_spacing(self._tiff.ome_metadata or "") if self._tiff.is_ome else (None, None)
        if not self._tiff.series:
            raise ImageFileError(f"{self.path}: holds no image: copy or export it again")
        series = self._tiff.series[0]
        self._planes = [_plane(self.path, each, channel) for each in series.levels]
        first = self._planes[0].page
        refuse_turned(self.path, first.tags.valueof("Orientation", UPRIGHT))
        self.dtype = _checked_type(self.path, first)
        self.samples = 3 if _is_rgb(first) else 1
        slide = (first.imagewidth, first.imagelength)
        self.levels = tuple(
            Level.of(slide, (plane.page.imagewidth, plane.page.imagelength), self._size_of_pieces(plane.page))
            for plane in self._planes
        )
        self.mpp = _spacing(self.path, self._tiff, first, ome)
        self._piece(len(self.levels) - 1, 0, 0)  # a missing codec is told now

    def _size_of_pieces(self, page: TiffPage) -> tuple[int, int]:
        if _is_plain(page):
            return PIECE
        size = (page.tilewidth, page.tilelength) if page.is_tiled else (page.imagewidth, page.rowsperstrip)
        width, height = min(size[0], page.imagewidth), min(size[1], page.imagelength)
        if width * height > MOST_PIXELS:
            raise ImageFileError(
                f"{self.path}: is stored in pieces of {width} x {height} px, so that no part of it can be read alone:"
                " save it tiled (256 x 256 px, for example)"
            )
        return size[0], height if not page.is_tiled else size[1]

    def _piece(self, level: int, row: int, column: int) -> np.ndarray:
        plane, (width, height) = self._planes[level], self.levels[level].piece
        page = plane.page
        box = Box(column * width, row * height, (column + 1) * width, (row + 1) * height)
        box = box.within(Box(0, 0, *self.levels[level].size))
        pixels = self._plain(plane, box) if _is_plain(page) else self._decoded(plane, row, column)
        pixels = pixels[: box.height, : box.width, plane.samples].astype(self.dtype, copy=False)
        return np.iinfo(self.dtype).max - pixels if page.photometric == MINISWHITE else pixels

    def _plain(self, plane: Plane, box: Box) -> np.ndarray:
        """Rows of an image that lies in the file as it is: (h, w, S)."""
        page, file = plane.page, self._tiff.filehandle
        stored = np.dtype(self._tiff.byteorder + self.dtype.char)
        samples = page.samplesperpixel if page.planarconfig == 1 else 1
        pixel = stored.itemsize * samples  # bytes
        start = page.dataoffsets[0] + plane.plane * page.imagelength * page.imagewidth * pixel
        rows = []
        for row in range(box.top, box.bottom):
            file.seek(start + (row * page.imagewidth + box.left) * pixel)
            rows.append(file.read(box.width * pixel))
        return np.frombuffer(b"".join(rows), stored).reshape(box.height, box.width, samples)

    def _decoded(self, plane: Plane, row: int, column: int) -> np.ndarray:
        """One tile or strip (h, w, S), as large as it is stored."""
        page, file = plane.page, self._tiff.filehandle
        across = math.ceil(page.imagewidth / page.tilewidth) if page.is_tiled else 1
        per_plane = len(page.dataoffsets) // (1 if page.planarconfig == 1 else page.samplesperpixel)
        index = plane.plane * per_plane + row * across + column
        data: bytes | None = None
        if page.databytecounts[index]:
            file.seek(page.dataoffsets[index])
            data = file.read(page.databytecounts[index])
        options = {"jpegtables": page.jpegtables, "jpegheader": page.jpegheader} if _is_jpeg(page) else {}
        segment, _, shape = page.decode(data, index, **options)
        if segment is None:
            return np.full(shape[1:], 0 if self.samples == 1 else np.iinfo(self.dtype).max, self.dtype)
        return segment[0]


def _plane(path: Path, series: TiffPageSeries, channel: int) -> Plane:
    axes = dict(zip(series.axes, series.shape, strict=True))
    deep = [f"{length} along {axis}" for axis, length in axes.items() if axis not in "YXSC" and length > 1]
    if deep or "Y" not in axes or "X" not in axes:
        raise ImageFileError(f"{path}: a stack ({series.axes}, {', '.join(deep)}): write each plane into its own file")
    page = _page_of(path, series, 0)
    if _is_rgb(page):
        if axes.get("C", 1) > 1 or page.planarconfig != 1:
            raise ImageFileError(f"{path}: RGB in separate planes: save it with the colours of a pixel together")
        return Plane(page, 0, slice(0, 3))
    count = axes.get("C", 1) * axes.get("S", 1)
    if not 0 <= channel < count:
        raise ImageFileError(f"{path}: has {count} channels: channel {channel} is none of 0 to {count - 1}")
    if axes.get("S", 1) == 1:
        return Plane(_page_of(path, series, channel), 0, slice(0, 1))
    if page.planarconfig == 1:
        return Plane(page, 0, slice(channel, channel + 1))
    return Plane(page, channel, slice(0, 1))


def _page_of(path: Path, series: TiffPageSeries, channel: int) -> TiffPage:
    page = series[channel] if len(series.pages) > channel else None
    if page is None:
        raise ImageFileError(f"{path}: channel {channel} lies in another file: join the channels in one OME-TIFF file")
    return page.aspage()


def _checked_type(path: Path, page: TiffPage) -> np.dtype:
    if page.dtype not in (np.uint8, np.uint16):
        raise ImageFileError(f"{path}: its pixels are {page.dtype}: save it as 8- or 16-bit unsigned integers")
    if not _is_rgb(page) and page.photometric not in (MINISWHITE, MINISBLACK):
        raise ImageFileError(f"{path}: its colours are {page.photometric!r}: save it as grey or RGB")
    return np.dtype(page.dtype)


def _is_rgb(page: TiffPage) -> bool:
    return page.samplesperpixel >= 3 and (page.photometric == RGB or (page.photometric == YCBCR and _is_jpeg(page)))


def _is_jpeg(page: TiffPage) -> bool:
    return int(page.compression) in JPEG_COMPRESSIONS


def _is_plain(page: TiffPage) -> bool:
    return bool(page.is_memmappable) and not page.is_tiled


def _spacing(path: Path, tiff: TiffFile, page: TiffPage, ome: tuple[float | None, float | None]) -> float | None:
    x, y = ome
    if x is None:
        imagej: dict[str, Any] = (tiff.imagej_metadata or {}) if tiff.is_imagej else {}
        return spacing(path, page, imagej)[0]
    if not MICROSCOPIC[0] <= x <= MICROSCOPIC[1]:
        return None
    if y and abs(x / y - 1) > SQUARE:
        raise ImageFileError(f"{path}: pixels are not square ({x:g} x {y:g} um): resample the slide to square pixels")
    return x
