# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Masks that some other model proposed, to one instance per point.

A model that is prompted with points (Kirillov et al. 2023, "Segment anything", and its like) answers with masks that
overlap, that cover several objects, or that miss a point. Here each point takes one of them, and pixels are divided.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from scipy.ndimage import find_objects
from torch import Tensor

from ..instances.follow_offsets import Floats, Integers, Mask
from ..instances.seeds import keep_with_seeds, seed_pixels, seed_points
from ..size import Size


@dataclass(frozen=True)
class Proposal:
    """A proposed object.

    Attributes:
        pixels: bool (h, w), some of them true.
        origin: row and column of its first pixel in the image.
        score: how sure the model is of it; 0 for all where it does not say.
    """

    pixels: Mask
    origin: tuple[int, int]
    score: float = 0.0

    @cached_property
    def area(self) -> int:
        """Number of its pixels."""
        return int(self.pixels.sum())

    @property
    def window(self) -> tuple[slice, slice]:
        """Where it lies in the image."""
        (row, column), (height, width) = self.origin, self.pixels.shape
        return slice(row, row + height), slice(column, column + width)


def label_from_masks(
    masks: Sequence[Proposal], points: Tensor, size: Size, core: float, max_radius: float
) -> tuple[Tensor, Tensor]:
    """Each point takes the mask that holds its pixel: of several the one with the best score, then the smallest.

    A pixel in the masks of several points belongs to the one with the smallest distance, divided by the radius of a
    disk of the mask's area. A point that no mask holds keeps a small disk, and around it nothing is known.

    Args:
        masks: in any order; those that no point takes are left aside.
        points: (N, 2), x and y in px; those outside the image are left out, of several in one pixel the first counts.
        size: H and W of the image, px.
        core: px, radius of the disk around a point without a mask.
        max_radius: no pixel further than this, px, from its point belongs to the point's instance.

    Returns:
        Label (1, H, W) int32, ids 1..n in raster order of the points' pixels, each instance connected and with its
        point's pixel; weight (1, H, W) float32: 0 within `max_radius` of a point that no mask holds, where the label
        does not say that there is another object, else 1.
    """
    places = seed_points(points, size)
    chosen = choose_masks(masks, places)
    best, owner = np.full(size, math.inf), np.zeros(size, np.int32)
    weight = np.ones(size, np.float32)
    for index, (row, column) in enumerate(zip(*seed_pixels(places), strict=True)):
        mask = chosen[index] or disk_mask(core, row, column, size)
        distance = distances_from_pixel(mask.window, row, column)
        relative = distance / math.sqrt(mask.area / math.pi)
        near = mask.pixels & (distance <= max_radius) & (relative < best[mask.window])
        best[mask.window][near], owner[mask.window][near] = relative[near], index + 1
        if chosen[index] is None:
            doubt = disk_mask(max_radius, row, column, size)
            weight[doubt.window][doubt.pixels] = 0
    label = keep_with_seeds(owner > 0, owner, places)
    taken = np.array([0, *(mask is not None for mask in chosen)], bool)[label]  # of a point that has a mask
    return torch.from_numpy(label)[None], torch.from_numpy(np.where(taken, np.float32(1), weight))[None]


def choose_masks(masks: Sequence[Proposal], places: Floats) -> list[Proposal | None]:
    """For each of the places (n, 2), x and y in px, its mask: the best score, then the least area; None without one."""
    rows, columns = seed_pixels(places)
    chosen: list[Proposal | None] = [None] * len(places)
    for mask in sorted(masks, key=lambda mask: (-mask.score, mask.area)):
        row, column = rows - mask.origin[0], columns - mask.origin[1]
        inside = (row >= 0) & (column >= 0) & (row < mask.pixels.shape[0]) & (column < mask.pixels.shape[1])
        for index in np.flatnonzero(inside):
            if chosen[index] is None and mask.pixels[row[index], column[index]]:
                chosen[index] = mask
    return chosen


def disk_mask(radius: float, row: int, column: int, size: Size) -> Proposal:
    """A disk around a pixel, as far as it lies in an image; at least the pixel itself."""
    reach = int(radius)
    top, left = max(row - reach, 0), max(column - reach, 0)
    window = slice(top, min(row + reach + 1, size[0])), slice(left, min(column + reach + 1, size[1]))
    return Proposal(distances_from_pixel(window, row, column) <= radius, (top, left))


def distances_from_pixel(window: tuple[slice, slice], row: int, column: int) -> Floats:
    """Distance (h, w), px, of the pixels of a window from one pixel."""
    down, right = (np.arange(side.start, side.stop) for side in window)
    return np.hypot(down[:, None] - row, right[None] - column)


def proposals_of_ids(label: Integers) -> list[Proposal]:
    """One mask for each id of a label (H, W), without scores."""
    boxes = enumerate(find_objects(label), start=1)
    return [Proposal(label[box] == index, (box[0].start, box[1].start)) for index, box in boxes if box is not None]


def proposal_of_page(page: Mask, score: float = 0.0) -> Proposal | None:
    """The mask of one page (H, W) of a stack, cut to what it covers; None for an empty one."""
    rows, columns = np.flatnonzero(page.any(1)), np.flatnonzero(page.any(0))
    if not len(rows):
        return None
    window = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    return Proposal(page[window], (int(rows[0]), int(columns[0])), score)
