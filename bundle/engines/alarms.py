# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Handler: looks at a panel every so often, keeps what it sees in a table, and warns of the known failures by name."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ignite.engine import Events

from .base import TrainingEvents
from .failures import Check
from .gan import CycleTrainer
from .panel import Panel, PanelState
from .parallel import is_first_process
from .step_table import StepTable

logger = logging.getLogger(__name__)


class Alarms:
    """Warn of failures while there is time to act: once when one appears, once more at the end if it is still there.

    The table has a row per look: step, then what the checks measure. Its losses are means over the updates since the
    look before. What has been seen is part of the checkpoints, so a resumed run says and writes what a whole one does.

    Args:
        panel: what is looked at.
        checks: the failures to look for.
        path: the table, such as watch.csv in the stage's folder.
        every: updates between two looks.
        after: updates before which nothing is judged; what an untrained network paints means nothing.
        name: of what has been seen, in a checkpoint.
    """

    def __init__(
        self,
        panel: Panel,
        checks: Sequence[Check],
        path: str | Path,
        every: int = 200,
        after: int = 100,
        name: str = "alarms",
    ) -> None:
        self.panel, self.checks, self.table = panel, list(checks), StepTable(path)
        self.every, self.after, self.name = every, after, name
        self.sums: dict[str, float] = {}  # loss terms times updates since the last look
        self.updates = 0  # that they are sums of
        self.since: dict[str, int] = {}  # failure that lasts -> update at which it was first seen
        self.looks = 0  # so far

    def attach(self, engine: CycleTrainer) -> None:
        """Follow a CycleTrainer; stands after the handler that resumes and before the one that saves."""
        engine.stateful[self.name] = self
        engine.add_event_handler(Events.STARTED, self._start)
        engine.add_event_handler(TrainingEvents.LOSSES_READ, self._collect)
        engine.add_event_handler(Events.ITERATION_COMPLETED(every=self.every), self._look)
        engine.add_event_handler(Events.COMPLETED, self._finish)
        engine.add_event_handler(TrainingEvents.RUN_ENDED, self.table.close)

    def state_dict(self) -> dict[str, Any]:
        """Plain numbers and names."""
        return {"sums": self.sums, "updates": self.updates, "since": self.since, "looks": self.looks}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take over what `state_dict` gave."""
        self.sums, self.updates = dict(state["sums"]), state["updates"]
        self.since, self.looks = dict(state["since"]), state["looks"]

    def _start(self, engine: CycleTrainer) -> None:
        self.first = self.last = engine.state.iteration

    def _collect(self, engine: CycleTrainer) -> None:
        reading = engine.state.losses
        updates = reading.last - reading.first + 1
        self.sums = {name: self.sums.get(name, 0.0) + updates * mean for name, mean in reading.means.items()}
        self.updates += updates

    def _look(self, engine: CycleTrainer) -> None:
        engine.check_finite()
        look = self.panel.look(engine)
        losses = {name: total / self.updates for name, total in self.sums.items()}
        numbers = {check.name: check.measure(look, losses) for check in self.checks}
        self.sums, self.updates, self.last, self.looks = {}, 0, look.step, self.looks + 1
        self._write(look, numbers)
        if look.step >= self.after:
            for check in self.checks:
                self._judge(look.step, check.name, check.judge(numbers[check.name], look.step / engine.total_updates))

    def _write(self, look: PanelState, numbers: Mapping[str, Mapping[str, float]]) -> None:
        if is_first_process():
            columns = {name: f"{value:.6g}" for found in numbers.values() for name, value in found.items()}
            self.table.write({"step": look.step, **columns}, self.first + 1)

    def _judge(self, step: int, name: str, text: str) -> None:
        """Say what is new of a failure: `text` describes it, "" means that there is none."""
        if text and name not in self.since:
            self.since[name] = step
            self._say(logging.WARNING, f"{name} at update {step}: {text}")
        elif name in self.since and not text:
            since = self.since.pop(name)
            self._say(logging.INFO, f"{name}, seen from update {since} on, is gone at update {step}")

    def _finish(self, engine: CycleTrainer) -> None:
        """Look once more, and sum up."""
        step = engine.state.iteration
        if step > self.last:
            self._look(engine)
        for name, since in self.since.items():
            if since < step:
                self._say(logging.WARNING, f"{name} has lasted from update {since} to the end: see the warning there")
        if step < self.after:
            self._say(logging.INFO, f"{step} updates are too few to be judged; see {self.table.path}")
        elif not self.since:
            self._say(logging.INFO, f"no known failure at the end (looks: {self.looks}); see {self.table.path}")

    def _say(self, level: int, text: str) -> None:
        if is_first_process():
            logger.log(level, text)
