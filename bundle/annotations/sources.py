# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Pixels to cut tiles from: a slide, or an ordinary image that is read whole behind the same few words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from torch import Tensor
from transforms.resample import resample_image
from transforms.size import Size

from ..files.images import load_image
from ..files.view import View, Window
from ..slides.grid import Box, Grid
from ..slides.listing import is_slide
from ..slides.reader import Slide

WHOLE = View()  # as the file says


class Pixels(Protocol):
    """An image of any size that gives parts of itself at a spacing; `Slide` is one."""

    @property
    def mpp(self) -> float | None:
        """Um per px, None = unknown."""

    @property
    def size(self) -> Size:
        """H and W, px."""

    @property
    def window(self) -> Window:
        """Stored intensities that became 0 and 1."""

    def grid(self, mpp: float | None = None) -> Grid:
        """Its pixels at a spacing; None: its own. ValueError where its own is needed and unknown."""

    def read_box(self, grid: Grid, box: Box) -> Tensor:
        """The pixels of a box of a grid, float32 (C, h, w) in [0, 1]."""

    def overview(self, longest: int) -> tuple[Grid, Tensor]:
        """All of it, float32 (C, h, w), at most so many px long and never enlarged, and its grid."""


class ImagePixels:
    """An image file, read whole.

    Args:
        path: PNG, TIFF or JPEG.
        channels: 1 (grey) or 3 (RGB).
        mpp: um per px; None: what its tags say.
        view: which channel, plane and, of 16 bit, intensities are meant.

    Raises:
        FileNotFoundError, ValueError: as `load_image`.
    """

    def __init__(self, path: Path, channels: int = 3, mpp: float | None = None, view: View = WHOLE) -> None:
        loaded = load_image(path, channels, mpp, View(view.channel, view.plane), view.intensity)
        self.path, self.mpp, self.size, self.window = path, loaded.mpp, loaded.size, loaded.window
        self._at = {self.size: loaded.image}  # size of a grid -> all of it

    def grid(self, mpp: float | None = None) -> Grid:
        """See `Pixels`."""
        if mpp is None:
            return Grid(self.size, self.size)
        if self.mpp is None:
            raise ValueError(f"{self.path}: does not say its um per px: give --mpp")
        return Grid.at(self.size, self.mpp, mpp)

    def read_box(self, grid: Grid, box: Box) -> Tensor:
        """See `Pixels`."""
        if grid.size not in self._at:
            self._at[grid.size] = resample_image(self._at[self.size], grid.size)
        return self._at[grid.size][:, box.top : box.bottom, box.left : box.right]

    def overview(self, longest: int) -> tuple[Grid, Tensor]:
        """See `Pixels`."""
        grid = Grid.overview(self.size, longest)
        return grid, self.read_box(grid, grid.box)


@contextmanager
def open_pixels(path: Path, channels: int = 3, mpp: float | None = None, view: View = WHOLE) -> Iterator[Pixels]:
    """An image or a slide, opened: slides by their ending, and TIFF files too large to be read whole, part by part.

    The view's intensities count for 16 bit alone.

    Raises:
        FileNotFoundError, ValueError: as `ImagePixels` and `Slide`.
    """
    if is_slide(path):
        with Slide(path, channels, mpp, View(view.channel, view.plane), view.intensity) as slide:
            yield slide
    else:
        yield ImagePixels(path, channels, mpp, view)
