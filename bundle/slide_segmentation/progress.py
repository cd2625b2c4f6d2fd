# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""How far a run is and how long it still takes: a bar in a terminal, a line now and then in a log.

The time left is told from what this session has done: an earlier one's windows count for the whole, not for the speed.
All windows cost the same.
"""

from __future__ import annotations

import logging
import sys
import time
from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta
from typing import Protocol

from tqdm import tqdm

logger = logging.getLogger(__name__)

EVERY = 60.0  # s from line to line


class WindowCounter(Protocol):
    """Counts windows."""

    def update(self, n: int) -> object:
        """So many more are done."""


def progress_of(total: int, done: int) -> AbstractContextManager[WindowCounter]:
    """What tells of a run of so many windows, some of which were done before."""
    if sys.stderr.isatty():
        return tqdm(total=total, initial=done, unit="window", smoothing=0)
    return nullcontext(ProgressLines(total, done))


class ProgressLines:
    """Lines in the log, one each minute: a run of hours is not silent where nobody sees a bar.

    Args:
        total: windows of the whole.
        done: those that an earlier session did.
    """

    def __init__(self, total: int, done: int) -> None:
        self.total, self.before, self.done = total, done, done
        self.started = self.told = time.monotonic()

    def update(self, n: int) -> None:
        """So many more are done."""
        self.done += n
        now = time.monotonic()
        if self.before < self.done < self.total and now - self.told >= EVERY:
            self.told = now
            left = (now - self.started) / (self.done - self.before) * (self.total - self.done)  # s
            share = 100 * self.done / self.total
            logger.info("%.0f %% of the windows are done, %s left", share, timedelta(seconds=round(left)))
