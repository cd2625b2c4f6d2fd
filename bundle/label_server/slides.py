# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Objects of regions of a slide, each whole and owned by its centre, and those of a whole slide.

A whole slide's are those that `scripts.segment slide` finds. A region has windows of its own
(`bundle.slide_segmentation.region`), so that it costs what the same pixels cost as an image; its objects are nearly
those of the whole slide.
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
from ..slide_segmentation.block import cached_segmenter, tile_results
from ..slide_segmentation.objects import Objects, joined_objects, outline_grid
from ..slide_segmentation.outlines import polygons
from ..slide_segmentation.plan import Plan, Settings
from ..slide_segmentation.region import region_plan
from ..slide_segmentation.tissue import Mask, default_way, mask_of_slide, windows_with
from ..slide_segmentation.windows import Clock
from ..slides.grid import Box
from ..slides.reader import Slide
from .images import NUCLEI, owned
from .query import Query


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
    plan, tissue = _slide_plan(str(path), path.stat().st_mtime_ns, query, query.identity)
    segmenter = cached_segmenter(str(query.model), plan.weights, plan.views, query.device)
    outlines = outline_grid(plan.grid)
    kept: list[Objects] = []
    seen: list[Box] = []
    with Slide(path, segmenter.channels, plan.mpp, plan.view) as opened:
        for rectangle in rectangles(regions) or [Box.of(plan.grid.slide_size)]:
            box = plan.grid.region(rectangle.left, rectangle.top, rectangle.width, rectangle.height)
            part = region_plan(plan, tissue, box, segmenter) if regions else plan
            found = joined_objects(
                [
                    result.objects
                    for block in (part.blocks() if box else [])
                    for result in tile_results(opened, segmenter, part, block, Clock())
                ]
            )
            centres = outlines.to_slide(found.centres)
            new = owned(centres, regions) & owned(centres, [rectangle]) & plan.shows(plan.grid.to_grid(centres))
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


@lru_cache(maxsize=8)
def _slide_plan(path: str, changed: int, query: Query, identity: str) -> tuple[Plan, Mask]:
    """The plan of a whole slide, as `slide_segmentation.job` makes it, and where it holds tissue.

    `changed` and `identity` tell files apart.
    """
    settings, card = Settings(), read_card(query.model)
    with _opened(path, card, query) as slide:
        grid = slide.grid(card.mpp)
        layout = settings.layout(grid, card.mpp, card.diameter, card.build_output())
        assert slide.mpp is not None  # else it has no such grid
        tissue = mask_of_slide(slide, grid, default_way(card.channels))
        plan = Plan(
            grid=grid,
            layout=layout,
            tissue=windows_with(tissue, grid, layout),
            mpp=slide.mpp,
            channel=None,
            window=slide.window,
            weights=identity,
            views=query.views,
        )
        return plan, tissue


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
