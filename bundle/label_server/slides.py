# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Objects of regions of a slide: those that `scripts.segment slide` finds, of which only what is needed is computed.

Windows lie on the slide's fixed lattice, whatever region is asked for. So an object at a region's border is whole,
belongs to one of two neighbouring regions, by its centre, and is the same in every request. A region costs the windows
that touch it, and those that objects on its border reach into; each goes through the network once, and the last ones
are remembered for the regions beside it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import combinations
from pathlib import Path

import numpy as np

from ..inference.model import ModelCard, read_card
from ..objects.polygons import SlideObject
from ..slide_segmentation.block import cached_segmenter
from ..slide_segmentation.objects import Objects, joined_objects, outline_grid
from ..slide_segmentation.outlines import polygons
from ..slide_segmentation.parts import SeenWindows, segment_box
from ..slide_segmentation.plan import Plan, Settings
from ..slide_segmentation.tissue import default_way, tissue_windows
from ..slides.grid import Box
from ..slides.reader import Slide
from .images import NUCLEI, owned
from .query import Query

MARGIN = 8  # px of the model's grid: centres on its grid and on the finer one of outlines differ by less
AT_ONCE = 2048  # px of the model's grid: side of what is computed at once


def objects_of_slide(path: Path, query: Query, regions: Sequence[Box]) -> tuple[list[SlideObject], float]:
    """The objects whose centre lies in a pixel of one of the regions.

    Args:
        path: the slide.
        query: the model.
        regions: px of the slide's finest level; none stand for all of it.

    Returns:
        The objects, in px of the finest level, and its um per px.

    Raises:
        FileNotFoundError: slide or model are not there.
        ValueError: either is of no use, or nobody says um per px.
    """
    known = str(path), path.stat().st_mtime_ns, query, query.identity
    plan, seen_windows = _slide_plan(*known), _seen_windows(*known)
    segmenter = cached_segmenter(str(query.model), plan.weights, plan.views, query.device)
    outlines = outline_grid(plan.grid)
    kept: list[Objects] = []
    seen: list[Box] = []
    with Slide(path, segmenter.channels, plan.mpp, plan.view) as opened:
        for rectangle in rectangles(regions) or [Box.of(plan.grid.slide_size)]:
            found = joined_objects(
                [segment_box(opened, segmenter, plan, part, seen_windows) for part in _boxes_at_once(plan, rectangle)]
            )
            centres = outlines.to_slide(found.centres)
            new = owned(centres, regions) & owned(centres, [rectangle])
            if seen:
                new &= ~owned(centres, seen)
            kept.append(found.taken(np.flatnonzero(new)))
            seen.append(rectangle)
    return list(_as_slide_objects(joined_objects(kept), outlines.step, plan.mpp)), plan.mpp


def rectangles(regions: Sequence[Box]) -> list[Box]:
    """Regions side by side made one, wherever the rectangle around two of them is no larger than both together."""
    merged = list(dict.fromkeys(regions))
    for first, second in combinations(merged, 2):
        around = first.around(second)
        if around.area <= first.area + second.area:
            return rectangles([around, *(box for box in merged if box not in (first, second))])
    return merged


def _boxes_at_once(plan: Plan, rectangle: Box) -> Iterator[Box]:
    """What is computed at once, of the grid at the model's spacing, for a rectangle in px of the finest level."""
    box = plan.grid.region(rectangle.left, rectangle.top, rectangle.width, rectangle.height)
    box = box.grown(MARGIN).within(plan.grid.box)
    for top in range(box.top, box.bottom, AT_ONCE):
        for left in range(box.left, box.right, AT_ONCE):
            yield Box(left, top, left + AT_ONCE, top + AT_ONCE).within(box)


@lru_cache(maxsize=8)
def _slide_plan(path: str, changed: int, query: Query, identity: str) -> Plan:
    """The plan of a whole slide, as `slide_segmentation.job` makes it; `changed` and `identity` tell files apart."""
    settings, card = Settings(), read_card(query.model)
    with _opened(path, card, query) as slide:
        grid = slide.grid(card.mpp)
        layout = settings.layout(grid, card.mpp, card.diameter, card.build_output())
        assert slide.mpp is not None  # else it has no such grid
        return Plan(
            grid=grid,
            layout=layout,
            tissue=tissue_windows(slide, grid, layout, default_way(card.channels)),
            mpp=slide.mpp,
            channel=None,
            window=slide.window,
            weights=identity,
            views=query.views,
        )


@lru_cache(maxsize=2)
def _seen_windows(path: str, changed: int, query: Query, identity: str) -> SeenWindows:
    """What is remembered of a slide, as `_slide_plan` tells slides apart."""
    return SeenWindows()


def forget_windows() -> None:
    """Show every window to the network anew: to measure what a region costs."""
    _seen_windows.cache_clear()


def _opened(path: str | os.PathLike[str], card: ModelCard, query: Query) -> Slide:
    common = query.intensity or card.intensity
    slide = Slide(path, card.channels, query.mpp, common=common)
    if slide.mpp is None and query.default_mpp is not None:
        slide.close()
        return Slide(path, card.channels, query.default_mpp, common=common)
    return slide


def _as_slide_objects(objects: Objects, step: tuple[float, float], mpp: float) -> Iterator[SlideObject]:
    um2 = float(np.prod(step)) * mpp**2  # of a px
    for index, parts in polygons(objects, step):
        measured = {"Area µm^2": float(objects.area[index]) * um2, "Confidence": float(objects.confidence[index])}
        yield SlideObject(index + 1, parts, measured, NUCLEI)
