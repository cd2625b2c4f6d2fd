# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The levels of a slide as its file holds them, in pieces of a fixed lattice, and regions put together from pieces.

A piece is always read by the same call, so a pixel is the same whatever region it is asked for in; the last pieces stay
in memory, a bounded number of bytes.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from transforms.size import Size

from .grid import Box

KEPT = 1 << 26  # bytes of pieces kept in memory
MOST_IN_PIECE = 1 << 26  # in one piece: of more, no part can be read without reading it all


@dataclass(frozen=True)
class Level:
    """One level: `size` px; a px of it covers `step` px of the finest level along x and y."""

    size: Size
    step: tuple[float, float]
    piece: Size  # of its pieces, px; those at the right and lower edges may be smaller

    @classmethod
    def of(cls, slide: Size, size: Size, piece: Size) -> Level:
        """A level of some size; `slide` is the finest one's."""
        return cls(size, (downsampling(slide[1], size[1]), downsampling(slide[0], size[0])), piece)


def downsampling(full: int, length: int) -> float:
    """How many px of the finest level one px of a level covers, when they have so many along an axis.

    Levels are made by whole factors, and their lengths are rounded one way or the other; where the lengths allow it,
    the factor is taken to be whole.
    """
    factor = max(round(full / length), 1)
    return float(factor) if abs(length * factor - full) < factor else full / length


class SlideFile(Protocol):
    """What reads one kind of file."""

    @property
    def levels(self) -> Sequence[Level]:
        """Finest first."""

    @property
    def mpp(self) -> float | None:
        """Um per px of the finest level, None = unknown."""

    @property
    def samples(self) -> int:
        """Channels that it has: 3 is RGB, otherwise each is an image of its own."""

    @property
    def dtype(self) -> np.dtype:
        """uint8 or uint16."""

    @property
    def bits(self) -> int | None:
        """Of a 16-bit sample, where the file says how many count."""

    def piece(self, level: int, row: int, column: int) -> np.ndarray:
        """One piece (h, w, S) of a level, cut at the level's edges; what the file leaves out is background."""

    def close(self) -> None:
        """Free what is held."""


class Pieces:
    """Regions of a file's levels, put together from pieces.

    Args:
        file: what is read.
        kept: bytes of pieces to keep for the next region.
    """

    def __init__(self, file: SlideFile, kept: int = KEPT) -> None:
        self.file, self.kept = file, kept
        self._pieces: OrderedDict[tuple[int, int, int], np.ndarray] = OrderedDict()
        self._bytes = 0

    def region(self, level: int, box: Box) -> np.ndarray:
        """Pixels (h, w, S) of a box that lies in a level."""
        height, width = self.file.levels[level].piece
        pixels = np.empty((box.height, box.width, self.file.samples), self.file.dtype)
        for row in range(box.top // height, -(-box.bottom // height)):
            for column in range(box.left // width, -(-box.right // width)):
                piece = self._piece(level, row, column)
                at = Box(column * width, row * height, column * width + piece.shape[1], row * height + piece.shape[0])
                both = at.within(box)
                pixels[both.slices(box)] = piece[both.slices(at)]
        return pixels

    def _piece(self, level: int, row: int, column: int) -> np.ndarray:
        key = (level, row, column)
        if key in self._pieces:
            self._pieces.move_to_end(key)
            return self._pieces[key]
        piece = self.file.piece(level, row, column)
        self._pieces[key] = piece
        self._bytes += piece.nbytes
        while self._bytes > self.kept and len(self._pieces) > 1:
            self._bytes -= self._pieces.popitem(last=False)[1].nbytes
        return piece
