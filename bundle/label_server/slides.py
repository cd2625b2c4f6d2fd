# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Objects of regions of a slide: those that `scripts.segment slide` finds, of which only what is needed is computed.

Windows and tiles lie on the slide's fixed lattices, whatever region is asked for. So an object at a region's border is
whole, belongs to one of two neighbouring regions, by its centre, and is the same in every request.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from ..inference.model import read_card
from ..objects.polygons import SlideObject
from ..slide_segmentation.block import segment_block
from ..slide_segmentation.layout import Place
from ..slide_segmentation.objects import Objects, joined_objects, outline_grid, read_objects
from ..slide_segmentation.outlines import polygons
from ..slide_segmentation.plan import Plan, Settings
from ..slide_segmentation.tissue import default_way, tissue_windows
from ..slides.grid import Box
from ..slides.reader import Slide
from .images import NUCLEI, owned
from .query import Query

MARGIN = 8  # px of the model's grid: centres on its grid and on the finer one of outlines differ by less


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
    plan = _slide_plan(str(path), path.stat().st_mtime_ns, query, query.identity)
    boxes = [plan.grid.region(box.left, box.top, box.width, box.height) for box in regions] or [plan.grid.box]
    found = _segment_blocks(path, query, *_narrowed(plan, [box.grown(MARGIN).within(plan.grid.box) for box in boxes]))
    step = outline_grid(plan.grid).step
    kept = found.taken(np.flatnonzero(owned((found.centres + 0.5) * step - 0.5, regions)))
    return list(_as_slide_objects(kept, step, plan.mpp)), plan.mpp


@lru_cache(maxsize=8)
def _slide_plan(path: str, changed: int, query: Query, identity: str) -> Plan:
    """The plan of a whole slide, as `slide_segmentation.job` makes it; `changed` and `identity` tell files apart."""
    settings, card = Settings(), read_card(query.model)
    with _opened(path, card.channels, query) as slide:
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


def _opened(path: str | os.PathLike[str], channels: int, query: Query) -> Slide:
    slide = Slide(path, channels, query.mpp)
    if slide.mpp is None and query.default_mpp is not None:
        slide.close()
        return Slide(path, channels, query.default_mpp)
    return slide


def _narrowed(plan: Plan, boxes: Sequence[Box]) -> tuple[Plan, list[Place]]:
    """The plan with the windows that matter for some boxes of its grid alone, in tiles, and the tiles to compute."""
    layout = replace(plan.layout, block=1)
    needed = np.zeros_like(plan.tissue)
    for box in boxes:
        rows, columns = layout.windows_touching(layout.shown(box))
        needed[rows.start : rows.stop, columns.start : columns.stop] = True
    narrowed = replace(plan, layout=layout, tissue=plan.tissue & needed)
    wanted = [place for place in narrowed.blocks() if any(layout.block_box(place).within(box) for box in boxes)]
    return narrowed, wanted


def _segment_blocks(path: Path, query: Query, plan: Plan, places: Sequence[Place]) -> Objects:
    blocks = (segment_block(str(path), str(query.model), plan, place, query.device) for place in places)
    return joined_objects([read_objects(io.BytesIO(block)) for block in blocks])


def _as_slide_objects(objects: Objects, step: tuple[float, float], mpp: float) -> Iterator[SlideObject]:
    um2 = float(np.prod(step)) * mpp**2  # of a px
    for index, parts in polygons(objects, step):
        measured = {"Area µm^2": float(objects.area[index]) * um2, "Confidence": float(objects.confidence[index])}
        yield SlideObject(index + 1, parts, measured, NUCLEI)
