# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Speed: of the transforms beside MONAI's own, on one core and a generated label; of stage 1 beside a plain loop.

python -m scripts.benchmark hover
python -m scripts.benchmark instances
python -m scripts.benchmark synthesis --preset cpu
"""

from __future__ import annotations

import logging
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from monai.apps.pathology.transforms import HoVerNetInstanceMapPostProcessing
from monai.transforms import ComputeHoVerMaps

from scripts.benchmark_synthesis import synthesis
from scripts.command_line import run_command
from transforms.draw import draw_label
from transforms.ellipses import EllipseSampler, UniformAreaLaw
from transforms.hover import hover_map
from transforms.instances import hover_to_label

logger = logging.getLogger(__name__)


def hover(nuclei: int = 700, size: int = 1000, repeats: int = 7) -> None:
    """Label to hover map, beside `monai.transforms.ComputeHoVerMaps`; the two must be equal.

    Args:
        nuclei: objects in the label.
        size: side of the label, px.
        repeats: pairs of runs; medians are reported.

    Raises:
        ValueError: the two maps differ.
    """
    label = generated_label(nuclei, size)
    theirs = ComputeHoVerMaps()
    if not np.array_equal(np.asarray(theirs(label)), hover_map(label)[:2].numpy()):
        raise ValueError("the hover map differs from MONAI's: run the tests of transforms/hover.py")
    report("label -> hover map", lambda: hover_map(label), lambda: theirs(label), repeats)


def instances(nuclei: int = 700, size: int = 1000, repeats: int = 3) -> None:
    """Ideal hover map to label, beside MONAI's HoVerNetInstanceMapPostProcessing, and how many objects each finds.

    Args:
        nuclei: objects in the label.
        size: side of the label, px.
        repeats: pairs of runs; medians are reported.
    """
    label = generated_label(nuclei, size)
    ideal = hover_map(label)
    chain = HoVerNetInstanceMapPostProcessing()

    def theirs() -> torch.Tensor:
        return torch.as_tensor(np.asarray(chain(torch.cat([1 - ideal[2:], ideal[2:]]), ideal[:2])[1])).int()

    for name, found in (("ours", hover_to_label(ideal)), ("MONAI", theirs())):
        logger.info("%s: %d of %d objects found with IoU > 0.7", name, recovered(label, found), int(label.max()))
    report("hover map -> label", lambda: hover_to_label(ideal), theirs, repeats)


def generated_label(nuclei: int, size: int) -> torch.Tensor:
    """(1, size, size) int32: ellipses of 24 px on uniformly random points."""
    generator = torch.Generator().manual_seed(0)
    points = torch.rand(nuclei, 2, generator=generator) * size - 0.5
    sampler = EllipseSampler(UniformAreaLaw(24).fit([points]))
    return draw_label(sampler(points, generator), (size, size))


def recovered(label: torch.Tensor, found: torch.Tensor) -> int:
    """How many objects of the label (1, H, W) have an object of IoU > 0.7 among those found (1, H, W)."""
    columns = int(found.max()) + 1
    table = torch.bincount(
        (label.long() * columns + found.long()).flatten(), minlength=(int(label.max()) + 1) * columns
    )
    table = table.view(-1, columns)  # (objects + 1, found + 1) px
    union = table.sum(1)[:, None] + table.sum(0) - table
    return int(((table / union.clamp(min=1))[1:, 1:] > 0.7).sum())


def report(name: str, ours: Callable[[], Any], theirs: Callable[[], Any], repeats: int) -> None:
    """Time two functions in turn on one core, and log their medians and the median of the ratios."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        ours(), theirs()
        pairs = [(seconds(ours), seconds(theirs)) for _ in range(repeats)]
    finally:
        torch.set_num_threads(threads)
    own, other = (statistics.median(column) for column in zip(*pairs, strict=True))
    ratio = statistics.median(theirs / ours for ours, theirs in pairs)
    logger.info("%s: ours %.4f s, MONAI %.4f s, %.1f times faster", name, own, other, ratio)


def seconds(function: Callable[[], Any]) -> float:
    """Wall time of one call."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


if __name__ == "__main__":
    run_command({"hover": hover, "instances": instances, "synthesis": synthesis})
