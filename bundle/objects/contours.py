# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Follow the borders between the pixels of a label: the exact border of every object, as closed rings.

All rings of a label are followed at once. A crack is kept as a side of the pixel inside the object, walked with the
object on the right; its successor depends on the two pixels ahead alone. Rings are then put in order by pointer
jumping: in round k every side knows what lies 2^k sides ahead of it.

Pixels are neighbours by their sides. Where an object meets itself at a corner, a walk that stays with its pixel passes
that corner twice if, and only if, both pixels are in one piece; there, and only there, walks stay with the background
instead, so that no ring ever passes a point twice.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.intp]

# Sides of a pixel, walked clockwise as the image is seen: top to the right, right down, bottom left, left up.
TOP, RIGHT, BOTTOM, LEFT = range(4)
START_X = np.array([0, 1, 1, 0])  # where a side starts, px from the pixel's upper left corner
START_Y = np.array([0, 0, 1, 1])


class Rings(NamedTuple):
    """R closed rings of V corners in all; ring r is corners[start[r] : start[r + 1]], its end not repeated."""

    corners: NDArray[np.int64]  # (V, 2) x, y in px: the pixel in row r and column c spans x c..c+1, y r..r+1
    start: Indices  # (R + 1,)
    owner: NDArray[np.integer]  # (R,) ids
    outer: NDArray[np.bool_]  # (R,) True: the object's outside; False: a hole, walked the other way round
    pixel: Indices  # (R, 2) row and column of a pixel of the object that lies at the ring


class _Sides(NamedTuple):
    """E sides of pixels with another id, or none, behind them, ordered by side, then by pixel."""

    pixel: Indices  # (E,) flat index into the padded label
    side: Indices  # (E,)


def trace_borders(label: NDArray[np.integer]) -> Rings:
    """All rings of a label (H, W) of ids, 0 = background."""
    padded = np.pad(label, 1)
    sides = _border_sides(padded)
    order, start = _in_order(_successors(padded.ravel(), padded.shape[1], sides))
    return _as_rings(padded, _Sides(sides.pixel[order], sides.side[order]), start)


def _border_sides(padded: NDArray[np.integer]) -> _Sides:
    inside = padded[1:-1, 1:-1] > 0
    rows = padded[:-1, 1:-1] != padded[1:, 1:-1]  # (H + 1, W): crack above row r
    columns = padded[1:-1, :-1] != padded[1:-1, 1:]  # (H, W + 1): crack left of column c
    masks = rows[:-1] & inside, columns[:, 1:] & inside, rows[1:] & inside, columns[:, :-1] & inside
    found = [np.flatnonzero(mask) for mask in masks]
    side = np.repeat(np.arange(4), [len(pixels) for pixels in found])
    row, column = np.divmod(np.concatenate(found), max(inside.shape[1], 1))
    return _Sides((row + 1) * padded.shape[1] + column + 1, side)


def _successors(ids: NDArray[np.integer], width: int, sides: _Sides) -> Indices:
    """The side that follows each side, (E,); `ids` is the padded label, flat, of that width."""
    pixel, side = sides
    number = np.empty(4 * len(ids), np.intp)  # of a side of a pixel; only what is set is read
    number[side * len(ids) + pixel] = np.arange(len(pixel))
    right = pixel + np.array([1, width, -1, -width])[side]  # the pixel ahead, on the object's side of the crack
    left = pixel + np.array([1 - width, 1 + width, width - 1, -1 - width])[side]  # ahead, on the other side
    own = ids[pixel]
    at_right, at_left = ids[right] == own, ids[left] == own
    turn = np.where(at_right, np.where(at_left, 3, 0), 1)  # of four: 3 is to the left
    ahead = np.where(at_right, np.where(at_left, left, right), pixel)
    successor = number[(side + turn) % 4 * len(ids) + ahead]
    met = np.flatnonzero(at_left & ~at_right)  # here the object meets itself at a corner
    if len(met):
        other = number[(side[met] + 3) % 4 * len(ids) + left[met]]  # what staying with the background would give
        ring = _firsts(successor)
        twice = ring[other] == ring[met]
        successor[met[twice]] = other[twice]
    return successor


def _firsts(successor: Indices) -> Indices:
    """The smallest index in the ring of each side, (E,)."""
    first, ahead = np.arange(len(successor)), successor
    while True:
        smaller = np.minimum(first, first[ahead])
        if np.array_equal(smaller, first):  # as far ahead again nothing is smaller, so nothing in the ring is
            return first
        first, ahead = smaller, ahead[ahead]


def _in_order(successor: Indices) -> tuple[Indices, Indices]:
    """(E,) the sides ring after ring, each ring from its smallest index on, and (R + 1,) where rings start."""
    ring = _firsts(successor)
    last = successor == ring
    ahead = np.where(last, np.arange(len(last)), successor)
    to_last = (~last).astype(np.intp)  # sides between each one and the last of its ring
    while not last[ahead].all():
        to_last += to_last[ahead]
        ahead = ahead[ahead]
    length = np.bincount(ring, minlength=len(ring))  # 0 but at the first of a ring
    end = np.cumsum(length)
    order = np.empty_like(successor)
    order[end[ring] - 1 - to_last] = np.arange(len(successor))
    return order, np.append(0, end[length > 0])


def _as_rings(padded: NDArray[np.integer], sides: _Sides, start: Indices) -> Rings:
    """Corners alone: where the walk goes on straight no point is kept."""
    pixel, side = sides
    before = np.roll(side, 1)
    before[start[:-1]] = side[start[1:] - 1]
    kept = side != before  # a ring's first side, its topmost and then leftmost top, starts at a corner
    row, column = np.divmod(pixel[kept], padded.shape[1])
    x, y = column - 1 + START_X[side[kept]], row - 1 + START_Y[side[kept]]
    begin = np.append(0, np.cumsum(kept))[start]  # (R + 1,)
    next_x, next_y = np.roll(x, -1), np.roll(y, -1)
    next_x[begin[1:] - 1], next_y[begin[1:] - 1] = x[begin[:-1]], y[begin[:-1]]
    twice_area = np.bincount(np.repeat(np.arange(len(begin) - 1), np.diff(begin)), x * next_y - next_x * y)
    at = pixel[start[:-1]]
    places = np.stack(np.divmod(at, padded.shape[1]), axis=1) - 1
    return Rings(np.stack((x, y), axis=1), begin, padded.ravel()[at], twice_area > 0, places)
