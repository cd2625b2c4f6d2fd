# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Foreground pixels to instances by following the offsets of a hover map home.

Every offset points away from its instance's centre, so each pixel steps to the neighbour that lies the other way; the
pixels whose paths meet are a basin. Noise makes several basins of one instance: two of them are joined again when the
offsets, averaged over their common border, rise across it, for inside an instance offsets rise from -1 to +1, and from
one instance to the next they fall. Directions and signs count, hardly sizes: networks shrink offsets towards 0 wherever
they are unsure, and thresholds on sizes then merge whole groups. Nothing is normalised over the image: tiles agree.

Arrays carry a frame of background one px wide, so that pixels are flat places in it and no step leaves the image; steps
are looked at for foreground alone, and rises where two basins touch alone, which is what makes it fast.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from .smooth import smooth

Floats = NDArray[np.floating]
Integers = NDArray[np.integer]
Mask = NDArray[np.bool_]

LARGEST_JUMP = 0.3  # what h may fall along a row or change down a column, and v likewise, within a noisy instance
DOUBLINGS = 5  # paths of 2^5 steps are followed before the rest becomes a graph: further than most objects reach


def as_arrays(hover_map: torch.Tensor) -> tuple[Floats, Floats]:
    """Offsets (2, H, W) and m (H, W) of a hover map; ValueError unless it is (3, H, W) and finite."""
    if hover_map.ndim != 3 or hover_map.shape[0] != 3:
        raise ValueError(f"a hover map is (3, H, W), not {tuple(hover_map.shape)}")
    array = hover_map.detach().cpu().float().numpy()
    if not np.isfinite([array.min(initial=0), array.max(initial=0)]).all():
        raise ValueError("the hover map holds NaN or infinity: look at the image and at the network's weights")
    return array[:2], array[2]


def basins(offsets: Floats, inside: Mask, smoothing: float) -> Integers:
    """Instances of the foreground.

    Args:
        offsets: (2, H, W), h and v.
        inside: (H, W), the foreground.
        smoothing: standard deviation, px, of a Gaussian over the offsets of the foreground; 0 leaves them as they are.

    Returns:
        (H, W) int32: ids above 0 for the instances in no particular order, 0 = background.
    """
    offsets = np.pad(smooth(offsets, inside, smoothing), ((0, 0), (1, 1), (1, 1)))  # (2, H + 2, W + 2)
    inside = np.pad(inside, 1)
    place = np.flatnonzero(inside)  # (P,)
    number = np.empty(inside.size, np.int32)  # of each foreground pixel, at its place
    number[place] = np.arange(len(place))
    part = meeting(number.take(step_home(offsets, inside, place)))
    label = np.zeros(inside.shape, np.int32)
    label.reshape(-1)[place] = part + 1
    group = merge_parts(int(part.max(initial=-1)) + 2, *borders(offsets, label))
    label.reshape(-1)[place] = group[part + 1] + 1
    return label[1:-1, 1:-1]


def step_home(offsets: Floats, inside: Mask, place: Integers) -> Integers:
    """The place (P,) that each foreground pixel steps to: one of its eight neighbours, or itself where none is open.

    Args:
        offsets: (2, H, W) with a frame.
        inside: (H, W), the foreground.
        place: (P,), flat places of the foreground.
    """
    offset = offsets.reshape(2, -1).take(place, 1)  # (2, P)
    size = np.abs(offset)
    largest = size.max(0)
    half = np.maximum(largest, 1e-6) / 2
    step = (offset < -half).view(np.int8) - (offset > half).view(np.int8)  # (2, P): x, y in -1, 0, 1
    longer = size >= largest  # (2, P): the axis of the larger offset
    home = reached(offsets, inside, place, step)
    for kept in (longer, ~longer):
        stuck = np.flatnonzero(home < 0)
        home[stuck] = reached(offsets, inside, place[stuck], step[:, stuck] * kept[:, stuck])
    return np.where(home >= 0, home, place)


def reached(offsets: Floats, inside: Mask, place: Integers, step: Integers) -> Integers:
    """Where a step (2, P) leads from each place (P,); -1 where that is background or the offsets tell of a border."""
    to = place + step[0] + step[1] * np.int64(inside.shape[1])
    flat = offsets.reshape(2, -1)
    change = flat.take(to, 1) - flat.take(place, 1)  # (2, P)
    fall = np.where(step == 0, np.abs(change), -change * step)
    return np.where(inside.reshape(-1).take(to) & (fall <= LARGEST_JUMP).all(0), to, -1)


def meeting(step: Integers) -> Integers:
    """The basin (P,), 0.., of each node of a graph in which node i steps to node step[i]: paths that meet share one.

    Following all paths at once, twice as far each time, leaves few nodes: those where they lead. Of these, each is
    linked with where its own path leads and with where the path of the next node leads; one is a step further than the
    other, so around a ring of any length the two kinds of links reach every node.
    """
    far = step.astype(np.intp)
    for _ in range(DOUBLINGS):
        far = far.take(far)
    left = np.zeros(len(step), bool)
    left[far] = True
    nodes = np.flatnonzero(left)
    number = np.empty(len(step), np.intp)
    number[nodes] = np.arange(len(nodes))
    links = [number[far[nodes]], number[far[step[nodes]]]]
    return components_of(np.tile(np.arange(len(nodes)), 2), np.concatenate(links), len(nodes))[number.take(far)]


def borders(offsets: Floats, label: Integers) -> tuple[Integers, Integers, Floats]:
    """Pixels side by side of two objects: ids of the left and right or upper and lower one, and how the offset rises.

    Inside an instance h rises along rows, where v does not change at all, and v along columns, where h does not; so a
    jump of the other offset counts against the rise, as far as no noise explains it.

    Args:
        offsets: (2, H, W) with a frame.
        label: (H, W), 0 = background, and so is the frame.

    Returns:
        Three arrays (L,), one entry for each pair of pixels.
    """
    first, second, rise = [], [], []
    flat = label.reshape(-1)
    h, v = offsets.reshape(2, -1)
    for along, across, step in ((h, v, 1), (v, h, label.shape[1])):
        at = np.flatnonzero((flat[:-step] != flat[step:]) & (flat[:-step] > 0) & (flat[step:] > 0))
        first.append(flat[at])
        second.append(flat[at + step])
        jump = np.abs(across[at + step] - across[at]) - LARGEST_JUMP
        rise.append(along[at + step] - along[at] - np.maximum(jump, 0))
    return np.concatenate(first), np.concatenate(second), np.concatenate(rise)


def merge_parts(count: int, first: Integers, second: Integers, rise: Floats) -> Integers:
    """The group (count,) of each part: parts join while the mean rise over a border between two is not negative.

    Args:
        count: number of parts; they are 0 .. count - 1.
        first: (L,), a part for each pair of pixels on a border.
        second: (L,), the part on the other side.
        rise: (L,), as `borders` gives it.
    """
    group: Integers = np.arange(count)
    while True:
        a, b = group[first], group[second]
        border = a != b
        pair = np.minimum(a, b)[border] * count + np.maximum(a, b)[border]
        pairs, which = np.unique(pair, return_inverse=True)
        flat = pairs[np.bincount(which, rise[border], len(pairs)) >= 0]
        if not len(flat):
            return group
        group = components_of(flat // count, flat % count, count)[group]


def components_of(first: Integers, second: Integers, count: int) -> Integers:
    """The connected component (count,) of each node of a graph with edges `first` - `second`."""
    graph = coo_array((np.ones(len(first), np.int8), (first, second)), (count, count))
    return connected_components(graph, directed=False)[1].astype(np.int64) if count else np.zeros(0, np.int64)
