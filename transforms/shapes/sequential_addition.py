# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Random sequential addition: points thrown one after the other, each kept where it comes near to none before it.

A plane is full when no throw can be kept any more. The last gaps are small and rarely hit, so the throws go into boxes
only: a box that a throw was lost in is quartered, and quarters that lie within the spacing of a point are left out (in
the manner of Zhang and Torquato, Phys. Rev. E 88, 053312, 2013). What is left out could keep no throw, so the points
have the law of throws over the whole image, but an image is full after finite time, however rare its gaps.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.integrate import cumulative_trapezoid
from scipy.spatial import cKDTree

from ..pixel_centres import HALF_PIXEL, from_corner
from .area_laws import uniform

Floats = NDArray[np.floating]
Integers = NDArray[np.integer]
Mask = NDArray[np.bool_]

SATURATION = 0.547  # area share of disks, as wide as the spacing, on a full plane (Zhang and Torquato 2013)
SMALLEST_BOX = 1e-3  # spacings: a gap that only smaller boxes would find counts as none
MOST_THROWS = 1 << 16  # at a time: bounds the memory


def largest_density(spacing: float) -> float:
    """Points per px^2 of a full plane, `spacing` px apart: 0.547 * 4 / (pi spacing^2)."""
    return SATURATION * 4 / (math.pi * spacing**2)


def throws_for(share: Floats) -> Floats:
    """Throws, in units of the largest density, after which a plane is filled to a share of it, both per area.

    Of the throws at a share x, (1 + .812 x + .4258 x^2 + .0716 x^3) (1 - x)^3 are kept (Schaaf and Talbot, Phys. Rev.
    Lett. 62, 175, 1989); this is the integral of the inverse.

    Args:
        share: any shape, in [0, 0.99].
    """
    x = np.linspace(0, 0.99, 2000)
    kept = (1 + 0.812 * x + 0.4258 * x**2 + 0.0716 * x**3) * (1 - x) ** 3
    return np.interp(share, x, cumulative_trapezoid(1 / kept, x, initial=0))


@dataclass(frozen=True)
class Boxes:
    """Rectangles that throws go into.

    Attributes:
        corners: (M, 2), x and y of their smallest coordinates, px.
        extents: (M, 2), their widths and heights, px.
        rates: (M,), how likely a throw into a px^2 of each is, relative to the others, > 0.
    """

    corners: Floats
    extents: Floats
    rates: Floats

    @classmethod
    def over(cls, size: tuple[int, int], rates: Floats) -> Boxes:
        """An image of H x W px, [-0.5, W - 0.5) x [-0.5, H - 0.5), cut into rows and columns as `rates` (R, C) is."""
        rows, columns = rates.shape
        last = np.nextafter(
            np.array(size, np.float32) - np.float32(HALF_PIXEL), np.float32(0)
        )  # H, W: the last places inside
        extent = (last[::-1].astype(float) + HALF_PIXEL) / (columns, rows)
        row, column = np.indices(rates.shape)
        corners = from_corner(np.stack([column.ravel(), row.ravel()], 1) * extent)
        return cls(corners, np.tile(extent, (rates.size, 1)), rates.ravel())

    def __len__(self) -> int:
        return len(self.rates)

    def __add__(self, other: Boxes) -> Boxes:
        parts = ("corners", "extents", "rates")
        return Boxes(*(np.concatenate([getattr(self, part), getattr(other, part)]) for part in parts))

    def take(self, which: Floats) -> Boxes:
        """Some of the boxes, by an index or a mask."""
        return Boxes(self.corners[which], self.extents[which], self.rates[which])

    def throw(self, most: int, spacing: float, generator: torch.Generator) -> tuple[Floats, Integers]:
        """Up to `most` points (n, 2) float32, few enough to fall apart, more or less; and the box of each, (n,)."""
        weights = self.rates * self.extents.prod(1)
        upto = np.cumsum(weights)
        apart = max(2 * upto[-1] / (self.rates.max() * spacing**2), upto[-1] / weights.max())
        count = int(min(most, apart + 1, MOST_THROWS))
        drawn = uniform(3 * count, generator).cpu().numpy().reshape(count, 3)
        box = np.searchsorted(upto, drawn[:, 0] * upto[-1], side="right").clip(max=len(self) - 1)
        return (self.corners[box] + drawn[:, 1:] * self.extents[box]).astype(np.float32), box

    def quartered(self) -> Boxes:
        """The same area in boxes of half the width and height."""
        corners = [self.corners + self.extents * step for step in ((0, 0), (0.5, 0), (0, 0.5), (0.5, 0.5))]
        return Boxes(np.concatenate(corners), np.tile(self.extents / 2, (4, 1)), np.tile(self.rates, 4))

    def with_room(self, tree: cKDTree, spacing: float) -> Boxes:
        """Without the boxes that lie within the spacing of one of the points, and without tiny ones."""
        distance, _ = tree.query(self.corners + self.extents / 2)
        within = distance + np.hypot(*self.extents.T) / 2 < spacing
        return self.take(~within & (self.extents.max(1) > SMALLEST_BOX * spacing))


def add_points(boxes: Boxes, spacing: float, count: int, generator: torch.Generator) -> Floats:
    """Throw points until there are enough, or until no throw can be kept any more.

    Args:
        boxes: where the throws go.
        spacing: how far from all others a point must be to be kept, px.
        count: how many are wanted.
        generator: where every random number comes from.

    Returns:
        (n, 2) float32, x and y in the order of the throws; n < count says that the boxes are full.
    """
    points = np.zeros((0, 2), np.float32)
    tree = cKDTree(points)
    while len(points) < count and len(boxes):
        thrown, box = boxes.throw(max(2 * (count - len(points)), 64), spacing, generator)
        kept = np.isinf(tree.query(thrown, distance_upper_bound=spacing)[0])
        kept[kept] = first_come(thrown[kept], spacing)
        points = np.concatenate([points, thrown[kept][: count - len(points)]])
        tree = cKDTree(points)
        crowded = np.zeros(len(boxes), bool)
        crowded[box[~kept]] = True
        boxes = boxes.take(~crowded) + boxes.take(crowded).quartered().with_room(tree, spacing)
    return points


def first_come(points: Floats, spacing: float) -> Mask:
    """Which points (N, 2) stay, (N,), when each goes that lies within the spacing of an earlier one that stays."""
    stays = np.ones(len(points), bool)
    pairs = cKDTree(points).query_pairs(spacing, output_type="ndarray") if len(points) else np.zeros((0, 2), int)
    while len(pairs):
        disputed = np.zeros(len(points), bool)
        disputed[pairs[:, 1]] = True  # an earlier one may still push these out
        stays[pairs[~disputed[pairs[:, 0]], 1]] = False
        pairs = pairs[stays[pairs].all(1)]
    return stays
