# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""What a region of a slide costs a server of labels, beside the same pixels as an image that is read whole.

The slide is that of `scripts.benchmarks.slides`: touching ellipses, nothing is glass. Regions lie at random places,
since it matters how they lie on the lattice of windows. Pixels are those that the network is shown, at its spacing.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from bundle.files.leftovers import scratch_folder
from bundle.files.writers import write_image
from bundle.label_server.images import segment_image
from bundle.label_server.query import Query
from bundle.label_server.slides import forget_windows, objects_of_slide
from bundle.slides.grid import Box
from bundle.slides.reader import Slide

from .slides import SLIDE_MPP, write_reader, write_slide

logger = logging.getLogger(__name__)


def slide_regions(
    sizes: str = "512,1024,2048", places: int = 8, slide_px: int = 10000, model: str = "", seed: int = 0
) -> None:
    """Segment regions of a slide, and the same pixels as images; one thread.

    Args:
        sizes: sides of the regions, px of the slide at 0.25 um, with commas between.
        places: how many regions of each size.
        slide_px: side of the slide, px.
        model: trained weights; without them a network of the cpu preset's size that reads the objects off the slide.
        seed: of the places.
    """
    torch.set_num_threads(1)
    generator = np.random.default_rng(seed)
    with scratch_folder("regions-benchmark") as scratch:
        query = Query(Path(model) if model else write_reader(scratch / "model.pt"))
        slide = write_slide(scratch / "slide.tif", slide_px)
        objects_of_slide(slide, query, [Box(0, 0, 64, 64)])  # looks for tissue and loads the model
        for size in (int(each) for each in sizes.split(",")):
            corners = generator.integers(0, slide_px - size, (places, 2)).tolist()
            boxes = [Box(x, y, x + size, y + size) for x, y in corners]
            alone = [costs_of(query, partial(objects_of_slide, slide, query, [box])) for box in boxes]
            whole = [_as_image(slide, query, box, scratch / "region.tif") for box in boxes]
            _log_costs(f"{size} px", np.mean(alone, axis=0), np.mean(whole, axis=0))
        _measure_neighbours(slide, query, int(sizes.split(",")[0]), scratch)


def _measure_neighbours(slide: Path, query: Query, size: int, scratch: Path) -> None:
    """Four by four regions, one after the other, as someone who goes over a slide asks for them."""
    first = 1000  # px
    boxes = [
        Box(first + column * size, first + row * size, first + (column + 1) * size, first + (row + 1) * size)
        for row in range(4)
        for column in range(4)
    ]

    def all_of_them() -> None:
        for box in boxes:
            objects_of_slide(slide, query, [box])

    together = costs_of(query, all_of_them)
    whole = [_as_image(slide, query, box, scratch / "region.tif") for box in boxes]
    _log_costs(f"16 of {size} px side by side", together, np.sum(whole, axis=0))


def _log_costs(name: str, region: np.ndarray, image: np.ndarray) -> None:
    logger.info(
        "%s: as regions of a slide %.0f windows and %.2f s of processor time, as TIFF %.0f and %.2f: %.2f times the"
        " pixels, %.2f times the processor time",
        *(name, *region, *image, *(region / image)),
    )


def _as_image(slide: Path, query: Query, box: Box, path: Path) -> np.ndarray:
    with Slide(slide) as opened:
        pixels = opened.read(box.left, box.top, box.width, box.height)
    write_image(path, pixels.mul(255).round().byte().numpy(), SLIDE_MPP)
    return costs_of(query, lambda: segment_image(path, query))


def costs_of(query: Query, work: Callable[[], Any]) -> np.ndarray:
    """Windows that the network is shown, and s of processor time; nothing is remembered of earlier regions."""
    shown = 0

    def count(network: Any, given: tuple[torch.Tensor, ...]) -> None:
        nonlocal shown
        shown += given[0].shape[0]

    forget_windows()
    hook = query.segmenter().network.register_forward_pre_hook(count)
    try:
        started = time.process_time()
        work()
        return np.array([shown, time.process_time() - started])
    finally:
        hook.remove()
