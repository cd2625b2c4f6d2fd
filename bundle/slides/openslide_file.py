# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Slides of scanners through OpenSlide: Aperio, Hamamatsu, Leica, MIRAX, Philips, Ventana, DICOM and others, 8-bit RGB.

What a slide leaves out is shown as OpenSlide's background colour, which is white where the file names none.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from openslide import OpenSlide, OpenSlideError

from ..files.image_kinds.raster import ImageFileError
from ..files.image_kinds.spacing import one_spacing
from .grid import Box
from .pyramid import Level

PIECE = (512, 512)  # H, W, px; a few tiles of the usual sizes


class OpenSlideFile:
    """A slide that OpenSlide reads.

    Args:
        path: the slide.

    Raises:
        ValueError: OpenSlide cannot open it, or its pixels are not square.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._slide = OpenSlide(path)
        except OpenSlideError as error:
            raise _damaged(path, error) from error
        sizes = [(height, width) for width, height in self._slide.level_dimensions]
        self.levels = tuple(Level.of(sizes[0], size, PIECE) for size in sizes)
        self.samples, self.dtype, self.bits = 3, np.dtype(np.uint8), None
        self.mpp = _vendor_spacing(path, self._slide)
        colour = self._slide.properties.get("openslide.background-color", "FFFFFF")
        self._background = np.frombuffer(bytes.fromhex(colour), np.uint8).astype(np.uint16)

    def piece(self, level: int, row: int, column: int) -> np.ndarray:
        """(h, w, 3) of a level; ValueError where the file is damaged."""
        size, downsample = self.levels[level].size, self._slide.level_downsamples[level]
        top, left = row * PIECE[0], column * PIECE[1]
        box = Box(left, top, left + PIECE[1], top + PIECE[0]).within(Box.of(size))
        location = round(left * downsample), round(top * downsample)
        try:
            image = self._slide.read_region(location, level, (box.width, box.height))
        except OpenSlideError as error:
            raise _damaged(self.path, error) from error
        return self._on_background(np.asarray(image))

    def close(self) -> None:
        """Free the file."""
        self._slide.close()

    def _on_background(self, pixels: np.ndarray) -> np.ndarray:
        alpha = pixels[..., 3:]
        if alpha.min(initial=255) == 255:
            return np.ascontiguousarray(pixels[..., :3])
        opaque = pixels[..., :3] * alpha.astype(np.uint16) + self._background * (255 - alpha.astype(np.uint16))
        return ((opaque + 127) // 255).astype(np.uint8)


def _vendor_spacing(path: Path, slide: OpenSlide) -> float | None:
    values = [slide.properties.get(f"openslide.mpp-{axis}") for axis in "xy"]
    x, y = (float(value) if value else 0.0 for value in values)
    return one_spacing(path, x, y, "its properties")[0]


def _damaged(path: Path, error: Exception) -> ImageFileError:
    reason = " ".join(str(error).split())[-200:]
    return ImageFileError(
        f"{path}: OpenSlide cannot read it ({reason}): the slide is damaged or cut short; copy it again"
    )
