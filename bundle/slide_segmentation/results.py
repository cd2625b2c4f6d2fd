# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The blocks of a slide put together: table, polygons, overview, label image, and what is worth knowing of the run."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..inference.scale import warn_other_size
from ..objects.geojson import write_geojson
from ..slides.reader import Slide
from .collect import Collection
from .label_image import write_label_image
from .layout import Place
from .objects import outline_grid
from .outlines import slide_objects
from .overview import write_overview
from .plan import Plan
from .request import SlideRequest
from .store import SlideFolder
from .tables import write_object_table

logger = logging.getLogger(__name__)


def put_together(
    path: Path, folder: SlideFolder, plan: Plan, request: SlideRequest, blocks: Sequence[Place]
) -> dict[str, Any]:
    """Write all results of a slide whose blocks are finished.

    Args:
        path: the slide.
        folder: of its results.
        plan: of the slide.
        request: what is asked for.
        blocks: those of the plan.

    Returns:
        Numbers for the manifest: objects, regions too wide for a halo, mm2, share of tissue, seconds.
    """
    started, outlines = time.perf_counter(), outline_grid(plan.grid)
    collection = Collection(folder, blocks)
    logger.info("%s: writing %d objects", path.name, len(collection))
    write_object_table(folder.table, collection, outlines, plan.mpp)
    write_geojson(folder.polygons, slide_objects(collection, outlines, plan.mpp), path.name)
    if request.labels:
        write_label_image(folder.label, collection, outlines, plan.grid, request.card.mpp)
    with Slide(path, request.card.channels, plan.mpp, plan.view) as slide:
        write_overview(folder.overview, slide, plan, collection, outlines)
    notes: dict[str, Any] = {
        "objects": len(collection),
        "mm2": round(area(plan), 4),
        "tissue": round(float(plan.tissue.mean()), 4),
    }
    notes |= spent(folder, blocks)
    notes["seconds"]["collecting"] = round(time.perf_counter() - started, 2)
    _say(path.name, notes, plan.layout.halo * request.card.mpp)
    warn_other_size(path.name, collection.areas * np.prod(outlines.step), plan.mpp, request.card.diameter)
    return notes


def spent(folder: SlideFolder, blocks: Sequence[Place]) -> dict[str, Any]:
    """What all blocks took together: seconds of each part, windows shown, and regions too wide for a halo."""
    facts = [folder.facts(block) for block in blocks]
    total = {name: sum(each[name] for each in facts) for name in ("reading", "network", "processing")}
    counts = {name: int(sum(each[name] for each in facts)) for name in ("windows", "too_wide")}
    return {**counts, "seconds": {name: round(value, 2) for name, value in total.items()}}


def area(plan: Plan) -> float:
    """The slide's, mm2."""
    height, width = plan.grid.slide_size
    return width * height * plan.mpp**2 / 1e6


def _say(name: str, notes: dict[str, Any], halo: float) -> None:
    logger.info("%s: %d objects in %.2f mm2", name, notes["objects"], notes["mm2"])
    if notes["too_wide"]:
        logger.warning(
            "%s: %d regions reach from a tile to the end of its halo of %g um: they may be cut or counted twice; give a"
            " larger --largest",
            name,
            notes["too_wide"],
            halo,
        )
