# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""All objects of a slide in one order, read from the blocks' files a band at a time: only sort keys are held at once.

Ids are 1..n in raster order of the pixels of the centres, as in the label of an image.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from transforms.pixel_centres import pixels_of

from ..slides.grid import Box
from .layout import Place
from .objects import Integers, Objects, joined_objects
from .store import SlideFolder

BAND = 5000  # objects read at once
BLOCKS_KEPT = 32  # blocks' objects kept in memory


class Collection:
    """The objects of all blocks.

    Args:
        folder: the slide's results.
        blocks: its blocks, all finished.
    """

    def __init__(self, folder: SlideFolder, blocks: Sequence[Place]) -> None:
        self.blocks = list(blocks)
        self.read = lru_cache(BLOCKS_KEPT)(lambda number: folder.read(self.blocks[number]))
        keys = [_Keys(folder.read(block)) for block in self.blocks]
        self.extents = [each.extent for each in keys]  # of each block's objects, px of the outline grid
        counts = [len(each.centres) for each in keys]
        self.first = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)  # (B + 1,)
        self.centres = np.concatenate([np.zeros((0, 2)), *(each.centres for each in keys)])  # (N, 2), by block
        self.areas = np.concatenate([np.zeros(0, np.int64), *(each.areas for each in keys)])  # (N,), px of that grid
        column, row = pixels_of(self.centres).T
        x, y = self.centres.T
        self.order = np.lexsort((self.areas, x, y, column, row))  # (N,): the objects, by id
        self._ids = np.empty(len(self.order), np.uint32)
        self._ids[self.order] = np.arange(1, len(self.order) + 1)

    def __len__(self) -> int:
        return len(self.order)

    def ids(self, number: int) -> NDArray[np.uint32]:
        """The ids of a block's objects, in the order of its file."""
        return self._ids[self.first[number] : self.first[number + 1]]

    def bands(self, size: int = BAND) -> Iterator[tuple[Integers, Objects]]:
        """Ids and objects, by id, so many at once."""
        for begin in range(0, len(self), size):
            wanted = self.order[begin : begin + size]
            number = np.searchsorted(self.first, wanted, side="right") - 1  # the block of each
            parts = [self.read(int(n)).taken(wanted[number == n] - self.first[n]) for n in np.unique(number)]
            place = np.argsort(number, kind="stable")  # the parts' objects are in this order
            yield np.arange(begin + 1, begin + len(wanted) + 1), joined_objects(parts).taken(np.argsort(place))


class _Keys:
    """What is held of a block for the whole time."""

    def __init__(self, objects: Objects) -> None:
        self.centres, self.areas = objects.centres, objects.area
        box = objects.box
        self.extent = (
            Box(*box[:, :2].min(axis=0).tolist(), *box[:, 2:].max(axis=0).tolist()) if len(box) else Box(0, 0, 0, 0)
        )
