# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""One block of a slide, from the slide's file to the bytes of the block's file: a pure function, wherever it runs."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from functools import lru_cache

import torch

from ..files.provenance import sha256
from ..inference.model import card_path, load_network, segmenter_of
from ..inference.segmenter import Segmenter
from ..inference.test_time_augmentation import TEST_TIME_AUGMENTATIONS
from ..slides.reader import Slide
from .layout import Place
from .objects import joined_objects, to_bytes
from .plan import Plan
from .tiles import TileResult, tile_objects
from .windows import Clock, seen_map


def segment_block(slide: str, model: str, plan: Plan, block: Place, device: str = "cpu") -> bytes:
    """Find the objects whose centre lies in a block.

    Args:
        slide: path of the slide.
        model: path of the model's weights.
        plan: of the slide.
        block: row and column.
        device: where the network computes.

    Returns:
        The content of the block's file, `objects.to_bytes`; beside the objects the seconds spent, the windows shown and
        the regions that reach beyond a halo.

    Raises:
        FileNotFoundError: slide or model are not there.
        ValueError: either is another one than the plan was made for, or damaged.
    """
    with threads(plan.threads):
        segmenter = cached_segmenter(model, plan.weights, plan.views, device)
        clock = Clock()
        with Slide(slide, segmenter.channels, plan.mpp, plan.view) as opened:
            if opened.size != plan.grid.slide_size:
                raise ValueError(f"{slide}: another slide than the one that was planned: put the first one back")
            results = tile_results(opened, segmenter, plan, block, clock)
    return to_bytes(
        joined_objects([result.objects for result in results]),
        too_wide=sum(result.too_wide for result in results),
        windows=len(plan.windows_of(block)),
        **vars(clock),
    )


def tile_results(slide: Slide, segmenter: Segmenter, plan: Plan, block: Place, clock: Clock) -> list[TileResult]:
    """What the tiles of a block hold.

    Args:
        slide: open for reading.
        segmenter: the network, its views and what its channels mean.
        plan: of the slide, or of a region of it.
        block: row and column.
        clock: time spent is added to it.
    """
    layout = plan.layout
    shown = layout.shown(layout.block_box(block))
    seen = seen_map(slide, segmenter, plan, shown, plan.windows_of(block), clock)
    started, results = time.perf_counter(), []
    for tile in layout.tiles_of(block):
        box = layout.tile_box(tile)
        around = layout.shown(box)
        crop = seen[:, *around.slices(shown)]
        results.append(tile_objects(crop, around, box, plan.grid, segmenter.to_label, segmenter.output))
    clock.processing += time.perf_counter() - started
    return results


@lru_cache(maxsize=2)
def cached_segmenter(model: str, identity: str, views: str, device: str) -> Segmenter:
    """The segmenter of a file of weights, kept for the next block; ValueError where it is not the one of `identity`."""
    if model_identity(model) != identity:
        raise ValueError(f"{model}: another model than the one that the run began with: put the first one back")
    return segmenter_of(load_network(model), augmentation=TEST_TIME_AUGMENTATIONS[views], device=device)


def model_identity(model: str | os.PathLike[str]) -> str:
    """Fingerprint of weights and description."""
    return f"{sha256(os.fspath(model))}-{sha256(card_path(model))[:16]}"


@contextlib.contextmanager
def threads(count: int | None) -> Iterator[None]:
    """So many threads inside; None leaves them as they are."""
    before = torch.get_num_threads()
    torch.set_num_threads(count or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)
