# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Pixels to look at: any part of an image or slide, at any power of two coarser, as 8-bit colours.

Images of ordinary size lie in memory with their halves; slides and large TIFF files are read part by part. One without
smaller copies of itself is gone through once, and what is seen from far away is kept.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from transforms.size import Size

from ..files.images import read_image, to_unit_range
from ..files.view import View, Window
from ..slides.grid import Box, Grid
from ..slides.listing import is_slide
from ..slides.opening import open_slide_file
from ..slides.reader import Slide

Pixels = NDArray[np.uint8]  # (h, w, 3)
COSTLY = 1 << 25  # px of the slide that are read for one tile, at most; more come from the kept overview
OVERVIEW = 4096  # px of the kept overview's longer side, at most
CHUNK = 2048  # px of the overview's source that are read at once, along each axis


class Picture(Protocol):
    """What is looked at."""

    @property
    def size(self) -> Size:
        """H and W, px."""

    @property
    def mpp(self) -> float | None:
        """Um per px, None = unknown."""

    @property
    def grey(self) -> bool:
        """Whether it has one channel."""

    def read(self, step: int, box: Box) -> Pixels:
        """Part of it, uint8 (h, w, 3).

        Args:
            step: px of the image per px of the part, a power of two.
            box: which, in px of that coarser image, within it.
        """

    def close(self) -> None:
        """Free the file."""


def coarse_size(size: Size, step: int) -> Size:
    """H and W of the image at a step."""
    return max(math.ceil(size[0] / step), 1), max(math.ceil(size[1] / step), 1)


class Halves:
    """An image in memory with its halves, made when they are asked for.

    Args:
        image: RGB.
        step: px of the picture per px of the image.
    """

    def __init__(self, image: Image.Image, step: int = 1) -> None:
        self.step = step
        self._steps = {step: image}

    def read(self, step: int, box: Box) -> Pixels:
        """As `Picture.read`; enlarged where it is asked for finer than it is."""
        if step < self.step:
            left, top, right, bottom = (edge * step / self.step for edge in box)
            own = left, top, right, bottom
            return np.asarray(self._steps[self.step].resize((box.width, box.height), Image.Resampling.BILINEAR, own))
        return np.asarray(self._at(step).crop(box))

    def _at(self, step: int) -> Image.Image:
        if step not in self._steps:
            self._steps[step] = self._at(step // 2).reduce(2)
        return self._steps[step]


class WholePicture:
    """An image that is read whole.

    Args:
        path: PNG, TIFF or JPEG.
        intensity: of 16 bit, what is shown black and white; None: by the rule of `intensities`.

    Raises:
        FileNotFoundError, ValueError: as `read_image`.
    """

    def __init__(self, path: Path, intensity: Window | None = None) -> None:
        file = read_image(path)
        self.mpp, self.grey = file.mpp, len(file.array) == 1
        pixels = (to_unit_range(file, intensity)[0] * 255).round().byte().numpy()  # (C, H, W)
        self.size: Size = (pixels.shape[1], pixels.shape[2])
        self._halves = Halves(Image.fromarray(np.repeat(pixels.transpose(1, 2, 0), 3 // len(pixels), axis=2)))

    def read(self, step: int, box: Box) -> Pixels:
        """See `Picture`."""
        return self._halves.read(step, box)

    def close(self) -> None:
        """Nothing is held."""


class PartPicture:
    """A slide or a large TIFF file; may be read from several threads.

    Args:
        path: the file.
        channel: which channel of one that has several and is not RGB, 0 the first; None: it has to have one.
        intensity: as `WholePicture`'s.

    Raises:
        FileNotFoundError, ValueError: as `Slide`.
    """

    def __init__(self, path: Path, channel: int | None = None, intensity: Window | None = None) -> None:
        view = View(channel)
        file = open_slide_file(path, view)
        channels = 3 if file.samples == 3 else 1
        self.grey = channels == 1
        self._coarsest = max(max(level.step) for level in file.levels)
        file.close()
        self._slide = Slide(path, channels, view=view, common=intensity)
        self.mpp, self.size = self._slide.mpp, self._slide.size
        self._reading, self._making = threading.Lock(), threading.Lock()
        self._far: Halves | None = None

    def read(self, step: int, box: Box) -> Pixels:
        """See `Picture`."""
        finer = step / min(step, self._coarsest)
        if box.width * box.height * finer**2 > COSTLY:
            return self._overview().read(step, box)
        return self._read(step, box)

    def close(self) -> None:
        """Free the file."""
        with self._reading:
            self._slide.close()

    def _read(self, step: int, box: Box) -> Pixels:
        grid = Grid(self.size, coarse_size(self.size, step))
        with self._reading:
            image = self._slide.read_box(grid, box)  # (C, h, w)
        pixels = (image * 255).round().byte().numpy().transpose(1, 2, 0)
        return np.repeat(pixels, 3 // pixels.shape[2], axis=2)

    def _overview(self) -> Halves:
        with self._making:
            if self._far is None:
                self._far = gone_through(self.size, self._read)
            return self._far


def gone_through(size: Size, read: Callable[[int, Box], Pixels]) -> Halves:
    """A large image without smaller copies of itself, read once, chunk by chunk, each averaged.

    Args:
        size: of the image.
        read: gives a part of it, as `Picture.read`.
    """
    step = 1
    while max(coarse_size(size, step)) > OVERVIEW:
        step *= 2
    height, width = coarse_size(size, step)
    far = Image.new("RGB", (width, height))
    for top in range(0, size[0], CHUNK):
        for left in range(0, size[1], CHUNK):
            box = Box(left, top, left + CHUNK, top + CHUNK).within(Box.of(size))
            far.paste(Image.fromarray(read(1, box)).reduce(step), (left // step, top // step))
    return Halves(far, step)


def open_picture(path: Path, channel: int | None = None, intensity: Window | None = None) -> Picture:
    """An image or a slide to look at; errors as `WholePicture` and `PartPicture`."""
    return PartPicture(path, channel, intensity) if is_slide(path) else WholePicture(path, intensity)
