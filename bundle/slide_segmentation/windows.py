# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The network's map of a part of a slide, put together from windows of the slide's fixed lattice.

A pixel is the mean over all windows that hold it and show tissue, with the weights that `bundle.inference.segmenter`
takes, added up row by row: the same numbers in the same order, whatever part is asked for. Norms see one window alone,
and every window goes through the network in a batch of one fixed size.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, islice

import torch
from monai.data.utils import compute_importance_map
from torch import Tensor

from ..inference.segmenter import Segmenter, pad_to
from ..slides.grid import Box
from ..slides.reader import Slide
from .layout import Layout, Place
from .plan import Plan

LEAST_WEIGHT = 1e-3  # in a window's corners, as MONAI's sliding windows have it


@dataclass
class Clock:
    """Where a block's time goes, s."""

    reading: float = 0.0
    network: float = 0.0
    processing: float = 0.0


def seen_map(
    slide: Slide, segmenter: Segmenter, plan: Plan, shown: Box, places: Sequence[Place], clock: Clock
) -> Tensor:
    """The map of a box of the slide's grid.

    Args:
        slide: open for reading.
        segmenter: the network, its views and what its channels mean.
        plan: of the slide.
        shown: the box.
        places: the windows with tissue that touch it, row by row.
        clock: time spent is added to it.

    Returns:
        float32 (3, h, w) on the CPU, as the segmenter's output reads it; 0, which is no foreground, where no window is.
    """
    return blend(plan.layout, shown, predict_windows(slide, segmenter, plan, places, clock))


def blend(layout: Layout, shown: Box, windows: Iterable[tuple[Place, Tensor]]) -> Tensor:
    """The map (3, h, w) of a box of the grid, put together from windows' maps (3, w, w) that come row by row."""
    weight = window_weights(layout.window)  # (w, w)
    total = torch.zeros(3, shown.height, shown.width)
    sums = torch.zeros(shown.height, shown.width)
    for place, seen in windows:
        window = layout.window_box(place)
        both = window.within(shown)
        here, there = both.slices(shown), both.slices(window)
        total[:, *here] += weight[there] * seen[:, *there]
        sums[here] += weight[there]
    return torch.where(sums > 0, total / sums, 0)


def predict_windows(
    slide: Slide, segmenter: Segmenter, plan: Plan, places: Sequence[Place], clock: Clock
) -> Iterator[tuple[Place, Tensor]]:
    """Each window's place and map (3, w, w)."""
    images = window_images(slide, plan, places)
    for first in range(0, len(places), plan.batch):
        started = time.perf_counter()
        batch = torch.stack(list(islice(images, plan.batch)))  # (b, C, w, w)
        read = time.perf_counter()
        seen = predict(segmenter, batch, plan.batch)
        clock.reading += read - started
        clock.network += time.perf_counter() - read
        yield from zip(places[first : first + plan.batch], seen, strict=True)


def window_images(slide: Slide, plan: Plan, places: Sequence[Place]) -> Iterator[Tensor]:
    """Each window's image (C, w, w); beyond the slide's right and lower edges it goes on by reflection."""
    side, layout = plan.layout.window, plan.layout
    for _, row in groupby(places, lambda place: place[0]):
        boxes = [layout.window_box(place) for place in row]
        strip = Box(boxes[0].left, boxes[0].top, boxes[-1].right, boxes[0].bottom).within(layout.box)
        pixels = slide.read_box(plan.grid, strip)  # (C, h, W)
        for box in boxes:
            yield pad_to(pixels[:, :, box.left - strip.left : box.right - strip.left], (side, side))


@torch.inference_mode()
def predict(segmenter: Segmenter, images: Tensor, batch: int) -> Tensor:
    """Images (b, C, w, w) to maps (b, 3, w, w); the batch is filled up with zeros, so that it has always one size."""
    given = torch.zeros(batch, *images.shape[1:], device=segmenter.device)
    given[: len(images)] = images.to(segmenter.device)
    total = torch.zeros(batch, 3, *images.shape[2:], device=segmenter.device)
    for symmetry in segmenter.augmentation:
        total += segmenter.output.undo(symmetry, segmenter.seen(symmetry.image(given)))
    return (total / len(segmenter.augmentation))[: len(images)].cpu()


def window_weights(side: int) -> Tensor:
    """(side, side): how much each pixel of a window counts, a Gaussian."""
    weight = compute_importance_map((side, side), mode="gaussian", sigma_scale=0.125, dtype=torch.float32)
    return weight.clamp(min=max(weight.min().item(), LEAST_WEIGHT))
