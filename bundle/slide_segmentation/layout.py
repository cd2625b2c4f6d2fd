# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""How a slide is divided: windows that the network sees, tiles that are post-processed, blocks that are units of work.

Windows and tiles lie on fixed lattices of the slide's grid at the model's spacing, so what is found depends on them,
and not on the blocks that happen to compute them. A tile is post-processed with a halo around it and keeps the objects
whose centre lies in it: nothing is ever merged. A block is a square of tiles.

The halo has to show an object and the objects it touches: whether two parts are one object is decided by these alone
(`transforms.instances.follow_offsets`). It is therefore twice the largest object, and what smoothing and growth reach.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from transforms.budget import MOST_STEPS, check_budget
from transforms.size import Size

from ..slides.grid import Box

Place = tuple[int, int]  # row and column in a lattice


@dataclass(frozen=True)
class Layout:
    """The lattices; all lengths in px of the grid.

    Raises:
        ValueError: a length is out of its range.
    """

    size: Size  # of the grid, or of the part of it that they cover
    window: int  # side of a window
    stride: int  # from window to window
    tile: int  # side of a tile
    halo: int  # around each tile
    block: int  # side of a block, in tiles
    corner: Place = (0, 0)  # row and column of the grid where the lattices begin: those of a region lie in the slide

    def __post_init__(self) -> None:
        if min(self.window, self.stride, self.tile, self.block) < 1 or self.halo < 0:
            raise ValueError(f"{self}: window, stride, tile and block are at least 1 px, the halo at least 0")
        if self.stride > self.window:
            raise ValueError(f"{self}: windows {self.stride} px apart leave gaps: overlap is 0 or more")
        for name, counts in (("window", self.window_counts()), ("tile", self.tile_counts())):
            what = f"a slide of {self.size[1]} x {self.size[0]} px at the model's spacing"
            mend = f"give a larger {name}, or the slide's right um per px (--image_mpp)"
            check_budget(what, counts[0] * counts[1], MOST_STEPS, f"{name}s", mend)

    @property
    def box(self) -> Box:
        """All that they cover."""
        return self._box(0, 0, *self.size)

    def window_box(self, place: Place) -> Box:
        """A window; those at the right and lower edges may reach beyond the grid."""
        return self._box(place[0] * self.stride, place[1] * self.stride, self.window, self.window)

    def window_counts(self) -> Place:
        """Rows and columns of windows."""
        rows, columns = (max(math.ceil((length - self.window) / self.stride), 0) + 1 for length in self.size)
        return rows, columns

    def windows_touching(self, box: Box) -> tuple[range, range]:
        """Rows and columns of the windows that touch a box."""
        counts = self.window_counts()
        sides = ((box.top, box.bottom), (box.left, box.right))
        rows, columns = (
            range(
                max((first - origin - self.window) // self.stride + 1, 0),
                min(math.ceil((end - origin) / self.stride), count),
            )
            for origin, (first, end), count in zip(self.corner, sides, counts, strict=True)
        )
        return rows, columns

    def tile_box(self, place: Place) -> Box:
        """A tile, cut at the grid's edges."""
        return self._box(place[0] * self.tile, place[1] * self.tile, self.tile, self.tile).within(self.box)

    def shown(self, box: Box) -> Box:
        """A box with its halo."""
        return box.grown(self.halo).within(self.box)

    def tile_counts(self) -> Place:
        """Rows and columns of tiles."""
        return math.ceil(self.size[0] / self.tile), math.ceil(self.size[1] / self.tile)

    def blocks(self) -> list[Place]:
        """All blocks, row by row."""
        rows, columns = (math.ceil(count / self.block) for count in self.tile_counts())
        return [(row, column) for row in range(rows) for column in range(columns)]

    def tiles_of(self, block: Place) -> Iterator[Place]:
        """The tiles of a block, row by row."""
        rows, columns = self.tile_counts()
        for row in range(block[0] * self.block, min((block[0] + 1) * self.block, rows)):
            for column in range(block[1] * self.block, min((block[1] + 1) * self.block, columns)):
                yield row, column

    def block_box(self, block: Place) -> Box:
        """All tiles of a block."""
        side = self.tile * self.block
        return self._box(block[0] * side, block[1] * side, side, side).within(self.box)

    def _box(self, row: int, column: int, height: int, width: int) -> Box:
        """A box by its first row and column behind the corner."""
        top, left = self.corner[0] + row, self.corner[1] + column
        return Box(left, top, left + width, top + height)
