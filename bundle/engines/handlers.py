# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Handlers that tell how training goes: a progress bar with log lines for a person, a loss table for the report."""

from __future__ import annotations

import logging
import time
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

from ignite.engine import Events
from tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm

from .base import Reporter, ResumableTrainer, TrainingEvents
from .step_table import StepTable

logger = logging.getLogger(__name__)


Handler = TypeVar("Handler")


def given(handler: Handler) -> Handler:
    """The handler itself: MONAI asks for components in a list of handlers, and this makes one of a reference."""
    return handler


class Progress(Reporter):
    """Handler: a bar over all updates on a terminal, and a log line every so often anywhere.

    Args:
        every_seconds: time between two log lines.
    """

    def __init__(self, every_seconds: float = 30.0) -> None:
        self.every_seconds = every_seconds
        self.bar = tqdm(disable=True)
        self.redirect = logging_redirect_tqdm()  # log lines above the bar

    def attach(self, engine: ResumableTrainer) -> None:
        """Follow a ResumableTrainer."""
        engine.add_event_handler(Events.STARTED, self._start)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self._count)
        engine.add_event_handler(TrainingEvents.LOSSES_READ, self._show)
        engine.add_event_handler(TrainingEvents.RUN_ENDED, self._end)

    def _start(self, engine: ResumableTrainer) -> None:
        self.first_step, self.started, self.next_line = engine.state.iteration, time.monotonic(), 0.0
        self.bar = tqdm(total=engine.total_updates, initial=self.first_step, unit="update", disable=None)  # on a tty
        if not self.bar.disable:
            self.redirect.__enter__()

    def _count(self, engine: ResumableTrainer) -> None:
        self.bar.update(engine.state.iteration - self.bar.n)

    def _show(self, engine: ResumableTrainer) -> None:
        state, total = engine.state, engine.total_updates
        loss = state.losses.means["total"]
        self.bar.set_description(f"epoch {state.epoch}/{state.max_epochs}", refresh=False)
        self.bar.set_postfix(loss=f"{loss:.4f}", refresh=False)
        now = time.monotonic()
        if now < self.next_line and state.iteration < total:
            return
        self.next_line = now + self.every_seconds
        seconds = (now - self.started) / max(state.iteration - self.first_step, 1)  # per update
        left = timedelta(seconds=round((total - state.iteration) * seconds))
        terms = ", ".join(f"{name} {value:.4g}" for name, value in state.losses.means.items())
        logger.info(
            "epoch %d/%d, update %d/%d, %.3g s each, %s left: %s",
            *(state.epoch, state.max_epochs, state.iteration, total, seconds, left, terms),
        )

    def _end(self, _: ResumableTrainer) -> None:
        if not self.bar.disable:
            self.redirect.__exit__(None, None, None)
        self.bar.close()


class LossTable(Reporter):
    """Handler: the means of the loss terms as a CSV table, one row per reading.

    Columns: step (the last of the updates that the row averages), seconds (of training until then), then the terms.
    A resumed run goes on where its checkpoint was: later rows of the cut run are dropped.

    Args:
        path: the file, such as losses.csv in the stage's folder.
    """

    def __init__(self, path: str | Path) -> None:
        self.table = StepTable(path)

    def attach(self, engine: ResumableTrainer) -> None:
        """Follow a ResumableTrainer."""
        engine.add_event_handler(TrainingEvents.LOSSES_READ, self._write)
        engine.add_event_handler(TrainingEvents.RUN_ENDED, self.table.close)

    def _write(self, engine: ResumableTrainer) -> None:
        reading = engine.state.losses
        values = {name: f"{value:.6g}" for name, value in reading.means.items()}
        row = {"step": reading.last, "seconds": f"{engine.state.seconds:.2f}", **values}
        self.table.write(row, reading.first)
