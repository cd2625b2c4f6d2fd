# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""What it costs that the C library returns freed memory to the system: `compact`, applied and trained, one thread."""

from __future__ import annotations

import logging
import multiprocessing
import os
import time
from collections.abc import Callable
from statistics import median

import torch
from bundle.networks.compact import Compact
from bundle.networks.device import Precision
from bundle.networks.memory import keep_freed_memory

logger = logging.getLogger(__name__)

WAYS = {"as it is by default": None, "as Dask's workers are": "65536", "kept": None}  # of VARIABLE
VARIABLE = "MALLOC_TRIM_THRESHOLD_"


def memory(windows: int = 40, updates: int = 20, rounds: int = 3) -> None:
    """Time a window of 256 px and an update on 8 crops of 128 px, in processes of their own, the ways in turn.

    Args:
        windows: for each time.
        updates: for each time.
        rounds: processes for each way; medians are reported.
    """
    found: dict[str, list[tuple[float, float]]] = {way: [] for way in WAYS}
    for _ in range(rounds):
        for way, threshold in WAYS.items():
            found[way].append(_in_new_process(threshold, way == "kept", windows, updates))
    for way, times in found.items():
        window, update = (median(each) for each in zip(*times, strict=True))
        logger.info("freed memory %s: %.4f s for a window, %.4f s for an update", way, window, update)


def _in_new_process(threshold: str | None, kept: bool, windows: int, updates: int) -> tuple[float, float]:
    before = os.environ.get(VARIABLE)
    _set_threshold(threshold)
    try:
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            return pool.apply(_times, (kept, windows, updates))
    finally:
        _set_threshold(before)


def _set_threshold(value: str | None) -> None:
    """For the processes that start from now on; None: not at all."""
    if value is None:
        os.environ.pop(VARIABLE, None)
    else:
        os.environ[VARIABLE] = value


def _times(kept: bool, windows: int, updates: int) -> tuple[float, float]:
    """Seconds of a window and of an update."""
    torch.set_num_threads(1)
    if kept:
        keep_freed_memory()
    network = Compact().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = torch.optim.Adam(network.parameters(), fused=True)
    precision = Precision(torch.device("cpu"))
    window, crops = torch.rand(1, 3, 256, 256), torch.rand(8, 3, 128, 128)

    def apply() -> None:
        with torch.inference_mode():
            network(window)

    def update() -> None:
        with precision.autocast():
            seen = network(crops)
        optimizer.zero_grad()
        seen.float().square().mean().backward()
        optimizer.step()

    return _seconds_per_call(apply, windows), _seconds_per_call(update, updates)


def _seconds_per_call(function: Callable[[], None], count: int) -> float:
    for _ in range(3):
        function()
    started = time.perf_counter()
    for _ in range(count):
        function()
    return (time.perf_counter() - started) / count
