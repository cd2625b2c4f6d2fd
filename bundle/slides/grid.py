# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""One fixed grid of pixels over a slide for each spacing, so that a place means the same in whatever part it is read.

The geometry is that of `transforms.resample`: the grid has floor(length mpp / new mpp + 1/2) pixels along each axis, at
least one, and its edges lie on the slide's edges. Pixel centres are at integers, on the slide and on the grid.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from transforms.pixel_centres import from_corner, to_corner
from transforms.resample import resampled_size
from transforms.size import Size


class Box(NamedTuple):
    """A rectangle of pixels: `left` and `top` are its first column and row, `right` and `bottom` lie just behind it."""

    left: int
    top: int
    right: int
    bottom: int

    @classmethod
    def of(cls, size: Size) -> Box:
        """All pixels of an image of some size."""
        return cls(0, 0, size[1], size[0])

    @property
    def corners(self) -> NDArray[np.float64]:
        """The upper left and the lower right one, (2, 2), x and y in px, pixel centres at integers."""
        return from_corner([self[:2], self[2:]])

    @property
    def width(self) -> int:
        """px."""
        return self.right - self.left

    @property
    def height(self) -> int:
        """px."""
        return self.bottom - self.top

    @property
    def area(self) -> int:
        """px."""
        return self.width * self.height

    def around(self, other: Box) -> Box:
        """The smallest box that holds both."""
        first, last = map(min, self[:2], other[:2]), map(max, self[2:], other[2:])
        return Box(*first, *last)

    def grown(self, margin: int) -> Box:
        """With so many px more on each side."""
        return Box(self.left - margin, self.top - margin, self.right + margin, self.bottom + margin)

    def within(self, other: Box) -> Box:
        """What of it lies in another box; of no width or height where nothing does."""
        left, top = max(self.left, other.left), max(self.top, other.top)
        return Box(left, top, max(min(self.right, other.right), left), max(min(self.bottom, other.bottom), top))

    def slices(self, of: Box) -> tuple[slice, slice]:
        """Where it lies in the rows and columns of an array that holds another box around it."""
        return slice(self.top - of.top, self.bottom - of.top), slice(self.left - of.left, self.right - of.left)

    def __bool__(self) -> bool:
        return self.width > 0 and self.height > 0


@dataclass(frozen=True)
class Grid:
    """The pixels of a slide at one spacing."""

    slide_size: Size  # px of the finest level
    size: Size  # px of the grid

    @classmethod
    def at(cls, slide_size: Size, mpp: float, new_mpp: float) -> Grid:
        """The grid of spacing `new_mpp` over a slide of spacing `mpp`, um per px; ValueError unless both are > 0."""
        return cls(slide_size, resampled_size(slide_size, mpp, new_mpp))

    @classmethod
    def overview(cls, slide_size: Size, longest: int) -> Grid:
        """A grid over a whole slide, at most so many px long, and no finer than the slide."""
        scale = min(longest / max(slide_size), 1.0)
        height, width = (max(round(length * scale), 1) for length in slide_size)
        return cls(slide_size, (height, width))

    @property
    def step(self) -> tuple[float, float]:
        """Px of the slide's finest level per px of the grid, along x and y."""
        (height, width), (rows, columns) = self.slide_size, self.size
        return width / columns, height / rows

    @property
    def box(self) -> Box:
        """All of it."""
        return Box.of(self.size)

    def to_grid(self, points: ArrayLike) -> NDArray[np.float64]:
        """Places (N, 2), x and y in px of the slide's finest level, in px of the grid."""
        return from_corner(to_corner(points) / self.step)

    def to_slide(self, points: ArrayLike) -> NDArray[np.float64]:
        """Places (N, 2), x and y in px of the grid, in px of the slide's finest level."""
        return from_corner(to_corner(points) * self.step)

    def region(self, x: float, y: float, width: float, height: float) -> Box:
        """The pixels whose centres lie in a region of the slide, cut at the slide's edges.

        Regions that tile the slide give boxes that tile the grid.

        Args:
            x: the region's first column, px of the slide's finest level.
            y: its first row.
            width: columns.
            height: rows.
        """
        across, down = self.step
        left, right = (math.floor(edge / across + 0.5) for edge in (x, x + width))
        top, bottom = (math.floor(edge / down + 0.5) for edge in (y, y + height))
        return Box(left, top, right, bottom).within(self.box)
