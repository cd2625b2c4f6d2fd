# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Read any part of a whole slide at any spacing, as the image that the rest of the project knows.

A slide has one fixed grid for each spacing (`bundle.slides.grid`); each pixel of it is computed from the coarsest level
that is fine enough, in a way that follows from its place alone. So a region read at once equals its parts, bit by bit.
"""

from __future__ import annotations

import math
import os
from pathlib import Path
from types import TracebackType

import numpy as np
import torch
from torch import Tensor
from transforms.size import Size

from ..files.image_kinds.intensities import intensity_window, is_spread, to_float
from ..files.image_kinds.raster import ImageFileError
from ..files.images import check_mpp, select_channels
from ..files.view import View, Window
from .grid import Box, Grid
from .opening import open_slide_file
from .pyramid import Pieces
from .resampling import Axis, Floats, resample

AT_ONCE = 2048  # px: side of what is read of a level at once
FINE_ENOUGH = 1.01  # a level may be coarser than what is asked for by so much
SAMPLES, SAMPLE = 16, 128  # squares along each axis, and px of their sides: what a 16-bit slide's window is taken from


class Slide:
    """A whole slide, to be used in a `with` statement.

    Args:
        path: the slide.
        channels: 3 (RGB) or 1 (grey, or one channel of a fluorescence slide).
        mpp: um per px of the finest level, as the user states it; None: what the file says.
        view: which channel, plane and intensities are meant; no intensities: 0 and 255 of 8 bit, by the rule of
            `bundle.files.image_kinds.intensities` on sampled squares of 16 bit.
        common: of 16-bit intensities, what becomes 0 and 1, such as what a model was trained with; not for 8-bit ones
            spread over 16 bits, and not where the view states intensities.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: no slide, damaged or cut short, other channels than those asked for, or mpp is not positive.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        channels: int = 3,
        mpp: float | None = None,
        view: View | None = None,
        common: Window | None = None,
    ) -> None:
        check_mpp(mpp)
        self.path, self.channels = Path(path), channels
        self._file = open_slide_file(self.path, view)
        self._pieces = Pieces(self._file)
        self.mpp = self._file.mpp if mpp is None else float(mpp)
        self.size: Size = self._file.levels[0].size
        try:
            self._refuse_grey()
            self.window = (view and view.intensity) or self._sampled_window(common)
        except BaseException:
            self.close()
            raise
        every = np.arange(np.iinfo(self._file.dtype).max + 1, dtype=self._file.dtype)
        self._scaled = to_float(every[None, None], window=self.window)[0][0, 0].numpy()  # of each stored intensity

    def __enter__(self) -> Slide:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Free the file."""
        self._file.close()

    def grid(self, mpp: float | None = None) -> Grid:
        """The slide's pixels at a spacing in um per px; None: its own.

        Raises:
            ValueError: a spacing is asked for, and the slide's own is unknown.
        """
        if mpp is None:
            return Grid(self.size, self.size)
        if self.mpp is None:
            raise ValueError(f"{self.path}: does not say its um per px: give --mpp, um per px of its finest level")
        return Grid.at(self.size, self.mpp, mpp)

    def read(self, x: float, y: float, width: float, height: float, mpp: float | None = None) -> Tensor:
        """A region at a spacing.

        Args:
            x: its first column, px of the finest level; pixel centres are at integers.
            y: its first row.
            width: px of the finest level.
            height: px of the finest level.
            mpp: the wanted um per px; None: the slide's own.

        Returns:
            float32 (C, h, w) in [0, 1]: the pixels of `grid(mpp)` whose centres lie in the region (`Grid.region` says
            which), so that regions side by side give images side by side.

        Raises:
            ValueError: none do; the spacing is unknown; the slide is damaged there, or coloured where grey is wanted.
        """
        grid = self.grid(mpp)
        box = grid.region(x, y, width, height)
        if not box:
            raise ValueError(
                f"{self.path}: no pixel of its {self.size[1]} x {self.size[0]} px lies in the region at x {x:g},"
                f" y {y:g} of {width:g} x {height:g} px: give px of its finest level"
            )
        return self.read_box(grid, box)

    def read_box(self, grid: Grid, box: Box) -> Tensor:
        """The pixels of a box of a grid, float32 (C, h, w) in [0, 1]; ValueError as `read`."""
        level = self._level(grid)
        down, across = self._axes(grid, level)
        pixels = np.empty((self.channels, box.height, box.width), np.float32)
        rows, columns = (max(int(AT_ONCE / axis.reach), 1) for axis in (down, across))
        for top in range(box.top, box.bottom, rows):
            for left in range(box.left, box.right, columns):
                part = Box(left, top, left + columns, top + rows).within(box)
                pixels[:, *part.slices(box)] = self._resampled(level, down, across, part)
        return torch.from_numpy(pixels)

    def overview(self, longest: int) -> tuple[Grid, Tensor]:
        """The whole slide, float32 (C, h, w), at most so many px long and never enlarged, and its grid."""
        grid = Grid.overview(self.size, longest)
        return grid, self.read_box(grid, grid.box)

    def _refuse_grey(self) -> None:
        if self.channels == 3 and self._file.samples != 3:
            raise ImageFileError(
                f"{self.path}: {8 * self._file.dtype.itemsize}-bit intensities, grey or fluorescence,"
                " where RGB is expected (channels 3): take a model that was trained with --variant grey"
            )
        select_channels(np.zeros((self._file.samples, 1, 1), np.uint8), self.channels, self.path)

    def _level(self, grid: Grid) -> int:
        """The coarsest level that is fine enough."""
        fine = [
            index
            for index, level in enumerate(self._file.levels)
            if all(have <= step * FINE_ENOUGH for have, step in zip(level.step, grid.step, strict=True))
        ]
        return fine[-1] if fine else 0

    def _axes(self, grid: Grid, level: int) -> tuple[Axis, Axis]:
        """Down and across."""
        (height, width), (x, y) = self._file.levels[level].size, self._file.levels[level].step
        across, down = grid.step
        return Axis(height, down / y), Axis(width, across / x)

    def _resampled(self, level: int, down: Axis, across: Axis, box: Box) -> Floats:
        """(C, h, w)."""
        (left, right), (top, bottom) = across.needed(box.left, box.right), down.needed(box.top, box.bottom)
        stored = np.moveaxis(self._pieces.region(level, Box(left, top, right, bottom)), -1, 0)  # (S, h', w')
        pixels = self._scaled.take(select_channels(stored, self.channels, self.path))
        pixels = resample(pixels, down, box.top, box.bottom, top, along=1)
        return resample(pixels, across, box.left, box.right, left, along=2)

    def _sampled_window(self, common: Window | None) -> Window:
        if self._file.dtype == np.uint8:
            return 0.0, 255.0
        places = [_sample_starts(length) for length in self.size]
        squares = [
            self._pieces.region(0, Box(x, y, x + SAMPLE, y + SAMPLE).within(Box.of(self.size)))
            for y in places[0]
            for x in places[1]
        ]
        pixels = np.concatenate([square.reshape(-1, self._file.samples) for square in squares])  # (N, S)
        if common is not None and not is_spread(pixels):
            return common
        return intensity_window(select_channels(pixels.T[..., None], self.channels, self.path), self._file.bits)


def _sample_starts(length: int) -> list[int]:
    """First px of at most SAMPLES squares along an axis, all of it where they cover it."""
    count = min(SAMPLES, math.ceil(length / SAMPLE))
    if length <= SAMPLES * SAMPLE:
        return [i * SAMPLE for i in range(count)]
    return [int((i + 0.5) * length / count - SAMPLE / 2) for i in range(count)]
