# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The objects of any part of a slide, from as few windows as decide them.

First come the windows that touch the part; they show a rim around it, too. Only where foreground that belongs to the
part's objects, or lies next to them, goes on beyond that rim, windows are added, up to the halo of a block. How
foreground is divided depends on itself and on what smoothing and growth reach, so the objects are those that a block
finds with its whole halo, bit by bit.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from threading import Lock

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation, binary_fill_holes, find_objects, label
from torch import Tensor

from ..inference.segmenter import Segmenter
from ..slides.grid import Box
from ..slides.reader import Slide
from .layout import Layout, Place
from .objects import Objects
from .plan import Plan, reach_um
from .tiles import tile_objects
from .windows import Clock, blend, predict_windows

Mask = NDArray[np.bool_]
Predict = Callable[[Sequence[Place]], Iterable[tuple[Place, Tensor]]]

OUTLINES = 3  # px of the model's grid: outlines are decided by what lies so far from them
KEPT = 160  # windows; of 256 px, 120 MiB
SQUARE = np.ones((3, 3), bool)


class SeenWindows:
    """What the network made of windows of one slide, kept for the next part; may be asked from several threads.

    Args:
        most: how many are kept, the last ones asked for.
    """

    def __init__(self, most: int = KEPT) -> None:
        self.most = most
        self._kept: OrderedDict[Place, Tensor] = OrderedDict()
        self._lock = Lock()

    def maps(self, places: Sequence[Place], predict: Predict) -> dict[Place, Tensor]:
        """The maps (3, w, w) of windows; `predict` gives those that are not known."""
        with self._lock:
            known = {place: self._kept[place] for place in places if place in self._kept}
        new = dict(predict([place for place in places if place not in known]))
        with self._lock:
            for place in places:
                self._kept[place] = known[place] if place in known else new[place]
                self._kept.move_to_end(place)
            while len(self._kept) > self.most:
                self._kept.popitem(last=False)
        return known | new


def segment_box(slide: Slide, segmenter: Segmenter, plan: Plan, box: Box, seen: SeenWindows) -> Objects:
    """The objects whose centre lies in a box of the slide's grid: those that its blocks hold there.

    Where a region of touching objects reaches beyond the halo, as `TileResult.too_wide` counts them, they may be cut
    otherwise.

    Args:
        slide: open for reading.
        segmenter: the network, its views and what its channels mean.
        plan: of the slide.
        box: the part.
        seen: windows of this slide, model and plan that are known from other parts.
    """
    around, output = plan.layout.shown(box), segmenter.output
    part, every = box.slices(around), plan.windows_on(around)
    reach = math.ceil(reach_um(output) / segmenter.mpp) + OUTLINES
    maps: dict[Place, Tensor] = {}
    more = plan.windows_on(box)
    while True:
        maps |= seen.maps(more, lambda places: predict_windows(slide, segmenter, plan, places, Clock()))
        missing = [place for place in every if place not in maps]
        known = blend(plan.layout, around, ((place, maps[place]) for place in every if place in maps))  # (3, h, w)
        known[:, torch.from_numpy(_seen_in(plan.layout, missing, around))] = 0
        needed = deciding(output.foreground(known)[0].numpy() > output.threshold, part, reach)
        more = [place for place in missing if needed[_within(plan.layout, place, around)].any()]
        if not more:
            break
    shown = _bounds(needed, around)
    return tile_objects(known[:, *shown.slices(around)], shown, box, plan.grid, segmenter.to_label, output).objects


def deciding(foreground: Mask, part: tuple[slice, slice], reach: int) -> Mask:
    """Where (H, W) a map has to be known for the objects of a part of it.

    Args:
        foreground: (H, W).
        part: its rows and columns.
        reach: px: how far smoothing and growth look.

    Returns:
        The part, and the pieces of the foreground whose box touches it, and those near these, all with the reach.
    """
    pieces, _ = label(foreground, SQUARE)
    boxes = [(number, *found) for number, found in enumerate(find_objects(pieces), 1) if found is not None]
    own = [number for number, rows, columns in boxes if _meet(rows, part[0]) and _meet(columns, part[1])]
    near = np.unique(pieces[_grown(binary_fill_holes(np.isin(pieces, own)), reach)])  # a piece in a hole keeps it open
    needed = _grown(np.isin(pieces, near[near > 0]), reach)
    needed[part] = True
    return needed


def _meet(first: slice, second: slice) -> bool:
    return bool(first.start < second.stop and second.start < first.stop)


def _grown(mask: Mask, reach: int) -> Mask:
    return np.asarray(binary_dilation(mask, SQUARE, iterations=reach))


def _seen_in(layout: Layout, places: Iterable[Place], around: Box) -> Mask:
    """Which pixels of a box lie in one of the windows."""
    covered = np.zeros((around.height, around.width), bool)
    for place in places:
        covered[_within(layout, place, around)] = True
    return covered


def _within(layout: Layout, place: Place, around: Box) -> tuple[slice, slice]:
    return layout.window_box(place).within(around).slices(around)


def _bounds(mask: Mask, around: Box) -> Box:
    """The smallest box that holds all that is set in a mask of a box."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    left, top = around.left + int(columns[0]), around.top + int(rows[0])
    return Box(left, top, around.left + int(columns[-1]) + 1, around.top + int(rows[-1]) + 1)
