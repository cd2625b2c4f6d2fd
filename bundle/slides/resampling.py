# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Pixels of a slide's level brought onto a grid: what `transforms.resample` does to an image, part by part.

Bilinear, antialiased on the way down: a triangle, one px of the coarser of the two grids to each side. The weights of a
pixel follow from its place on the whole slide, and its sums are made in one order, so that it is the same to the last
bit in whatever part it is computed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from transforms.pixel_centres import from_corner, to_corner

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Axis:
    """How an axis of a grid lies on that of a level of the slide."""

    length: int  # px of the level
    step: float  # px of the level per px of the grid

    @property
    def reach(self) -> float:
        """Px of the level that a pixel of the grid sees to each side of its centre."""
        return max(self.step, 1.0)

    def needed(self, first: int, end: int) -> tuple[int, int]:
        """The level's pixels that the grid's pixels first .. end - 1 are made of, as first and end."""
        places, _ = self.taps(first, end)
        return int(places.min()), int(places.max()) + 1

    def taps(self, first: int, end: int) -> tuple[NDArray[np.int64], Floats]:
        """What the grid's pixels first .. end - 1 are made of: the level's pixels and their weights, (end - first, K).

        Weights of a pixel sum to 1; what lies beyond the level's edges weighs nothing.
        """
        centre = from_corner(to_corner(np.arange(first, end)) * self.step)  # px of the level
        count = 2 * math.ceil(self.reach) + 1
        place = np.floor(centre - self.reach).astype(np.int64)[:, None] + np.arange(count)  # (N, K)
        weight = np.maximum(1 - np.abs(place - centre[:, None]) / self.reach, 0)
        weight[(place < 0) | (place >= self.length)] = 0
        lost = weight.sum(axis=1) == 0  # the level ends a little before the slide does
        place = np.clip(place, 0, self.length - 1)
        weight[lost, 0] = 1
        return place, (weight / weight.sum(axis=1, keepdims=True)).astype(np.float32)


def resample(pixels: Floats, axis: Axis, first: int, end: int, offset: int, along: int) -> Floats:
    """The grid's pixels first .. end - 1 along one axis of an array.

    Args:
        pixels: any shape; along the axis it holds at least the level's pixels that are `needed`.
        axis: how the grid lies on the level.
        first: first pixel of the grid.
        end: the one behind the last.
        offset: the level's pixel that `pixels` begins with.
        along: which axis of the array.

    Returns:
        The array with end - first px along that axis.
    """
    places, weights = axis.taps(first, end)
    shape = [-1 if each == along else 1 for each in range(pixels.ndim)]
    total: Floats | None = None
    for k in range(places.shape[1]):
        if not weights[:, k].any():
            continue
        part = weights[:, k].reshape(shape) * _taken(pixels, places[:, k] - offset, along)
        total = part if total is None else np.add(total, part, out=total)
    assert total is not None  # weights sum to 1
    return total


def _taken(pixels: Floats, places: NDArray[np.int64], along: int) -> Floats:
    """`np.take`, as a view where the places are equally far apart; places that weigh nothing may lie outside."""
    steps = np.diff(places)
    even = len(steps) and steps[0] > 0 and (steps == steps[0]).all()
    if even and places[0] >= 0 and places[-1] < pixels.shape[along]:
        index = (slice(None),) * along + (slice(int(places[0]), int(places[-1]) + 1, int(steps[0])),)
        return pixels[index]
    return pixels.take(np.clip(places, 0, pixels.shape[along] - 1), axis=along)
