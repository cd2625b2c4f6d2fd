# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Objects of a slide as they are kept between finding and writing them: numbers, and the pixels of each in its box.

They lie on the slide's outline grid: the model's grid, up to twice as fine where the slide is, so that outlines are as
smooth as those of an image (`bundle.inference.outline`). They carry no ids: these are given when all are known.
"""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass, fields
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import find_objects

from ..slides.grid import Grid

FINER = 2  # px of the outline grid per px of the model's, at most
Integers = NDArray[np.int64]
Mask = NDArray[np.bool_]


def outline_grid(grid: Grid) -> Grid:
    """The grid that outlines lie on, for the grid at the model's spacing."""
    height, width = (int(np.clip(full, own, FINER * own)) for full, own in zip(grid.slide_size, grid.size, strict=True))
    return Grid(grid.slide_size, (height, width))


@dataclass(frozen=True)
class Objects:
    """N objects, px of the outline grid; centres and areas are exact, so that they do not depend on where they stand.

    Attributes:
        box: (N, 4) int64: left, top, right and bottom, the last two just behind.
        area: (N,) int64, px.
        sums: (N, 2) int64: of the x and of the y of all its pixels.
        confidence: (N,) float64: mean foreground probability of its pixels.
        pixels: uint8: the boxes' pixels, eight in a byte, row by row, a whole number of bytes for each object.
        start: (N + 1,) int64: where an object's bytes begin.
    """

    box: Integers
    area: Integers
    sums: Integers
    confidence: NDArray[np.float64]
    pixels: NDArray[np.uint8]
    start: Integers

    def __len__(self) -> int:
        return len(self.area)

    @property
    def centres(self) -> NDArray[np.float64]:
        """(N, 2), x and y, px of the outline grid; pixel centres at integers."""
        return self.sums / self.area[:, None]

    def taken(self, rows: Integers) -> Objects:
        """Some of them, in the order of their rows."""
        parts = [self.pixels[self.start[row] : self.start[row + 1]] for row in rows.tolist()]
        start = np.cumsum([0, *(len(part) for part in parts)], dtype=np.int64)
        pixels = np.concatenate([np.zeros(0, np.uint8), *parts])
        return Objects(self.box[rows], self.area[rows], self.sums[rows], self.confidence[rows], pixels, start)

    def mask(self, index: int) -> Mask:
        """The pixels (h, w) of an object in its box."""
        left, top, right, bottom = self.box[index]
        size = int(bottom - top), int(right - left)
        packed = self.pixels[self.start[index] : self.start[index + 1]]
        return np.unpackbits(packed, count=size[0] * size[1]).reshape(size).view(bool)


def objects_with_ids(
    label: NDArray[np.integer], probability: NDArray[np.float32], ids: Integers, left: int, top: int
) -> Objects:
    """Objects of a label (H, W) with some ids, without those that have no pixel.

    Args:
        label: ids, 0 = background.
        probability: foreground probability (H, W).
        ids: those to take, ascending.
        left: column of the outline grid that the label begins with.
        top: row of it.
    """
    flat = label.reshape(-1)
    place = np.flatnonzero(flat)
    owner = flat[place]
    count = int(max(ids.max(initial=0), owner.max(initial=0))) + 1
    area = np.bincount(owner, minlength=count)
    ids = ids[area[ids] > 0]
    y, x = np.divmod(place, label.shape[1])
    sums = np.stack(
        [np.bincount(owner, each, count).astype(np.int64) + area * at for each, at in ((x, left), (y, top))], 1
    )
    confidence = np.bincount(owner, probability.reshape(-1)[place], count)[ids] / area[ids]
    slices = find_objects(label, count - 1) if count > 1 else []
    boxes = [_corners(slices[each - 1]) for each in ids]
    packed = [np.packbits(label[slices[each - 1]] == each) for each in ids]
    return Objects(
        np.array(boxes, np.int64).reshape(-1, 4) + (left, top, left, top),
        area[ids].astype(np.int64),
        sums[ids],
        confidence,
        np.concatenate([np.zeros(0, np.uint8), *packed]),
        np.cumsum([0, *(len(each) for each in packed)], dtype=np.int64),
    )


def joined_objects(parts: list[Objects]) -> Objects:
    """All objects of several parts, in order."""
    starts = np.cumsum([0, *(len(part.pixels) for part in parts)])
    ends = [part.start[1:] + start for part, start in zip(parts, starts, strict=False)]
    none = objects_with_ids(np.zeros((1, 1), np.int32), np.zeros((1, 1), np.float32), np.zeros(0, np.int64), 0, 0)
    rest = {
        name: np.concatenate([getattr(part, name) for part in (none, *parts)])
        for name in ("box", "area", "sums", "confidence", "pixels")
    }
    return Objects(**rest, start=np.concatenate([np.zeros(1, np.int64), *ends]))


def to_bytes(objects: Objects, **facts: float) -> bytes:
    """A block's file: a zip of arrays, as `numpy.savez` makes it, with some numbers beside the objects."""
    stream = io.BytesIO()
    arrays: dict[str, Any] = {field.name: getattr(objects, field.name) for field in fields(objects)}
    arrays |= {f"fact_{name}": np.float64(value) for name, value in facts.items()}
    np.savez_compressed(stream, **arrays)
    return stream.getvalue()


def read_objects(stream: BinaryIO) -> Objects:
    """What `to_bytes` wrote; ValueError where it is damaged."""
    try:
        with np.load(stream, allow_pickle=False) as arrays:
            return Objects(**{field.name: arrays[field.name] for field in fields(Objects)})
    except (KeyError, ValueError, EOFError, OSError, zipfile.BadZipFile) as error:
        raise ValueError("no whole block of objects") from error


def read_facts(stream: BinaryIO) -> dict[str, float]:
    """The numbers beside the objects."""
    with np.load(stream, allow_pickle=False) as arrays:
        return {name.removeprefix("fact_"): float(arrays[name]) for name in arrays.files if name.startswith("fact_")}


def _corners(slices: tuple[slice, slice]) -> tuple[int, int, int, int]:
    rows, columns = slices
    return columns.start, rows.start, columns.stop, rows.stop
