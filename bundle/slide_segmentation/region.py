# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""A region of a slide: windows of its own, that cost what the same pixels cost as an image.

The windows of the whole slide lie anywhere about a region, so twice as many touch it as it needs. Here they are spread
over the region and a margin around it, in which an object whose centre lies in the region is whole. What they show
there is the slide, which is continued by reflection only where it ends. They lie whole strides of the network from
those of the whole slide: what a network sees depends on where its coarse pixels begin. So objects are nearly those of
the whole slide, and differ where the edge of a window lies elsewhere.
"""

from __future__ import annotations

import math
from dataclasses import replace

from ..inference.segmenter import Segmenter
from ..slides.grid import Box
from .layout import Layout
from .plan import LARGEST, OVERLAP, UNKNOWN_DIAMETER, Plan, reach_um
from .tissue import Mask, windows_with

LARGEST_WINDOW = 1.5  # times the usual side
STEP = 32  # px: windows so far apart see the same in a network of at most five halvings, which has no other stride
AT_ONCE = 2304  # px of the grid: side of what is post-processed at once


def region_plan(whole: Plan, tissue: Mask, box: Box, segmenter: Segmenter) -> Plan:
    """The plan of a region of a slide.

    Args:
        whole: plan of the slide.
        tissue: mask of the slide, as `tissue.mask_of_slide`.
        box: the region, px of the slide's grid.
        segmenter: the model.
    """
    largest = LARGEST * (segmenter.diameter or UNKNOWN_DIAMETER)  # um
    margin = math.ceil((largest / 2 + reach_um(segmenter.output)) / segmenter.mpp)
    layout = region_layout(whole.layout, box, margin, min(int(getattr(segmenter.network, "stride", STEP)), STEP))
    return replace(whole, layout=layout, tissue=windows_with(tissue, whole.grid, layout))


def region_layout(whole: Layout, box: Box, margin: int, step: int) -> Layout:
    """The lattices of a region: of all windows that hold it and its margin, those of the fewest px.

    Args:
        whole: the slide's.
        box: the region, px of the grid.
        margin: px around it that are shown, as far as the slide goes.
        step: px, divides window and stride of the slide: windows so far apart see the same, and all lie so far apart.
    """
    around = box.grown(margin).within(whole.box)
    asked = [_in_steps(*ends, step) for ends in ((around.top, around.bottom), (around.left, around.right))]
    sides = range(whole.window, round(LARGEST_WINDOW * whole.window) + 1, step)
    window = min(sides, key=lambda side: math.prod(_windows_along(length, side) for _, length in asked) * side**2)
    gaps = [(length - window) / (count - 1) for _, length in asked if (count := _windows_along(length, window)) > 1]
    stride = math.ceil(max(gaps, default=window) / step) * step
    (top, height), (left, width) = (
        _placed(first, length, window + (_windows_along(length, window) - 1) * stride, most, step)
        for (first, length), most in zip(asked, whole.size, strict=True)
    )
    tile = math.ceil(max(height, width) / math.ceil(max(height, width) / AT_ONCE))
    return Layout((height, width), window, stride, tile, whole.halo, 1, (top, left))


def _in_steps(first: int, end: int, step: int) -> tuple[int, int]:
    """First px and length of whole steps around a stretch."""
    first = first // step * step
    return first, math.ceil((end - first) / step) * step


def _windows_along(length: int, side: int) -> int:
    """How many windows in a row hold a length, where at least the usual share of each is seen again."""
    overlap = round(OVERLAP * side)
    return max(math.ceil((length - overlap) / (side - overlap)), 1)


def _placed(first: int, length: int, covered: int, most: int, step: int) -> tuple[int, int]:
    """Where what windows cover begins along an axis, with what was asked in its middle, and how far the slide fills it.

    Where the slide ends, windows end with it or less than a step behind it.
    """
    middle, last = first - (covered - length) // 2 // step * step, math.ceil((most - covered) / step) * step
    start = max(min(middle, last), 0)
    return start, min(covered, most - start)
