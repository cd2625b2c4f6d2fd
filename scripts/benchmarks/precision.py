# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""An update of `compact` in float32 and in bfloat16, in turn, and which of the two `precision: auto` takes here."""

from __future__ import annotations

import logging
import time
from statistics import median

import torch
from bundle.networks.compact import Compact
from bundle.networks.device import PRECISIONS, choose_precision, describe_device, resolve_device

logger = logging.getLogger(__name__)

COMPARED = ("float32", "bfloat16")
CROPS = (8, 3, 128, 128)  # what an update of the cpu preset sees


def precision(device: str = "auto", updates: int = 10, threads: int | None = None) -> None:
    """Time updates in both precisions, in turn.

    Args:
        device: auto, cpu, cuda or cuda:N.
        updates: in each precision; medians are reported.
        threads: of torch on a CPU; without it, as many as it takes by itself.
    """
    where = resolve_device(device)
    if threads:
        torch.set_num_threads(threads)
    update = Update(where)
    for name in COMPARED:
        update(name)
    turns = [[update(name) for name in COMPARED] for _ in range(updates)]
    whole, half = (median(column) for column in zip(*turns, strict=True))
    ratio = median(half / whole for whole, half in turns)
    logger.info(
        "compact, %d x %d x %d x %d px, on %s: float32 %.3g s, bfloat16 %.3g s for an update, %.2f times float32"
        " (medians of %d turns); auto takes %s",
        *(*CROPS, describe_device(where), whole, half, ratio, updates, choose_precision(where)),
    )


class Update:
    """An update of `compact` on crops of noise.

    Args:
        device: where it computes.
    """

    def __init__(self, device: torch.device) -> None:
        layout = torch.channels_last
        self.device, self.crops = device, torch.rand(CROPS, device=device).contiguous(memory_format=layout)
        self.network = Compact().to(device, memory_format=layout)  # type: ignore[call-overload]
        self.optimizer = torch.optim.Adam(self.network.parameters(), fused=True)

    def __call__(self, name: str) -> float:
        """Forward pass in a precision of `PRECISIONS`, backward pass and step; returns the seconds of all."""
        started = time.perf_counter()
        with torch.autocast(self.device.type, PRECISIONS[name], enabled=name != "float32"):
            seen = self.network(self.crops)
        self.optimizer.zero_grad()
        seen.float().square().mean().backward()
        self.optimizer.step()
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        return time.perf_counter() - started
