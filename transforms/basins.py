# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Foreground pixels to instances by following the offsets of a hover map home.

Every offset points away from its instance's centre, so each pixel steps to the neighbour that lies the other way; the
pixels whose paths meet are a basin. Noise makes several basins of one instance: two of them are joined again when the
offsets, averaged over their common border, rise across it, for inside an instance offsets rise from -1 to +1, and from
one instance to the next they fall. Directions and signs count, hardly sizes: networks shrink offsets towards 0 wherever
they are unsure, and thresholds on sizes then merge whole groups. Nothing is normalised over the image: tiles agree.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

Floats = NDArray[np.floating]
Integers = NDArray[np.integer]
Mask = NDArray[np.bool_]

LARGEST_JUMP = 0.3  # what h may fall along a row or change down a column, and v likewise, within a noisy instance


def as_arrays(hover_map: torch.Tensor) -> tuple[Floats, Floats]:
    """Offsets (2, H, W) and m (H, W) of a hover map; ValueError unless it is (3, H, W) and finite."""
    if hover_map.ndim != 3 or hover_map.shape[0] != 3:
        raise ValueError(f"a hover map is (3, H, W), not {tuple(hover_map.shape)}")
    if not torch.isfinite(hover_map).all():
        raise ValueError("the hover map holds NaN or infinity: look at the image and at the network's weights")
    array = hover_map.detach().cpu().float().numpy()
    return array[:2], array[2]


def basins(offsets: Floats, inside: Mask, smoothing: float) -> Integers:
    """Instances of the foreground.

    Args:
        offsets: (2, H, W), h and v.
        inside: (H, W), the foreground.
        smoothing: standard deviation, px, of a Gaussian over the offsets of the foreground; 0 leaves them as they are.

    Returns:
        (H, W) int64: 1.. for the instances in no particular order, 0 = background.
    """
    index = np.full(inside.shape, -1)  # (H, W): the number of each foreground pixel
    index[inside] = np.arange(np.count_nonzero(inside))
    offsets = smooth(offsets, inside, smoothing)
    part = joined(index[inside], step_home(offsets, index))
    label = np.zeros(inside.shape, np.int64)
    label[inside] = merge(part, *rises(offsets, index)) + 1
    return label


def smooth(offsets: Floats, inside: Mask, smoothing: float) -> Floats:
    """Gaussian mean of the offsets (2, H, W) over the foreground alone."""
    if smoothing == 0:
        return offsets
    weight = gaussian_filter(inside.astype(np.float32), smoothing, mode="constant")
    total = [gaussian_filter(np.where(inside, each, 0), smoothing, mode="constant") for each in offsets]
    return np.stack(total) / np.maximum(weight, 1e-6)


def step_home(offsets: Floats, index: Integers) -> Integers:
    """The foreground pixel (P,) that each one steps to: one of its eight neighbours, or itself where none is open."""
    row, column = np.nonzero(index >= 0)
    offset = offsets[:, row, column]  # (2, P)
    framed = np.pad(index, 1, constant_values=-1)
    size = np.abs(offset)
    step = np.rint(-offset / np.maximum(size.max(0), 1e-6)).astype(np.int64)  # (2, P): x, y in -1, 0, 1
    longer = size >= size.max(0)  # (2, P): the axis of the larger offset
    target = np.full(len(row), -1)
    for x, y in (step, step * longer, step * ~longer):
        neighbour = framed[row + 1 + y, column + 1 + x]
        change = offset[:, neighbour] - offset
        crosses = np.where(np.stack([x, y]) == 0, np.abs(change), -change * (x, y)) > LARGEST_JUMP
        target = np.where((target >= 0) | crosses.any(0), target, neighbour)
    return np.where(target >= 0, target, np.arange(len(row)))


def rises(offsets: Floats, index: Integers) -> tuple[Integers, Integers, Floats]:
    """Foreground pixels side by side, (L,) left and right or upper and lower, and how the offset rises between them.

    Inside an instance h rises along rows, where v does not change at all, and v along columns, where h does not; so a
    jump of the other offset counts against the rise, as far as no noise explains it.
    """
    first, second, rise = [], [], []
    for (along, across), number in ((offsets, index), (offsets[::-1].transpose(0, 2, 1), index.T)):
        both = (number[:, :-1] >= 0) & (number[:, 1:] >= 0)
        first.append(number[:, :-1][both])
        second.append(number[:, 1:][both])
        jump = np.abs(np.diff(across))[both] - LARGEST_JUMP
        rise.append(np.diff(along)[both] - np.maximum(jump, 0))
    return np.concatenate(first), np.concatenate(second), np.concatenate(rise)


def merge(part: Integers, first: Integers, second: Integers, rise: Floats) -> Integers:
    """Join parts (P,) again and again while the mean rise over a border between two of them is not negative."""
    while True:
        count = int(part.max(initial=-1)) + 1
        a, b = part[first], part[second]
        border = a != b
        pair = np.minimum(a, b)[border] * count + np.maximum(a, b)[border]
        pairs, which = np.unique(pair, return_inverse=True)
        flat = pairs[np.bincount(which, rise[border], len(pairs)) >= 0]
        if not len(flat):
            return part
        part = joined(flat // count, flat % count, count)[part]


def joined(first: Integers, second: Integers, count: int | None = None) -> Integers:
    """The connected component (count,) of each node of a graph with edges `first` - `second`; by default (P,) each."""
    count = len(first) if count is None else count
    graph = coo_array((np.ones(len(first), np.int8), (first, second)), (count, count))
    return connected_components(graph, directed=False)[1].astype(np.int64) if count else np.zeros(0, np.int64)
