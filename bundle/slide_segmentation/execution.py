# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Who computes blocks: this process, one after the other. See `cluster` for many processes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from .block import segment_block
from .layout import Place
from .plan import Plan, plan_from

Outcome = bytes | Exception  # of a block: the content of its file, or why there is none


@dataclass(frozen=True)
class Task:
    """One block of one slide, with all that it takes to compute it anywhere."""

    slide: str  # path
    model: str  # path
    plan: Plan
    block: Place
    device: str

    def run(self) -> bytes:
        """The content of the block's file; errors as `segment_block`."""
        return segment_block(self.slide, self.model, self.plan, self.block, self.device)

    def as_text(self) -> str:
        """As JSON; `task_from` undoes it."""
        return json.dumps({**vars(self), "plan": self.plan.as_json()})


def task_from(text: str) -> Task:
    """The task that `Task.as_text` wrote."""
    content = json.loads(text)
    row, column = content["block"]
    return Task(**{**content, "plan": plan_from(content["plan"]), "block": (row, column)})


class Executor(Protocol):
    """Computes blocks, in whatever order."""

    @property
    def threads(self) -> int | None:
        """Of the processor, for each block, where nobody asks for another number; None: as they are."""

    def outcomes(self, tasks: Iterable[Task]) -> Iterator[tuple[Task, Outcome]]:
        """Each task as it ends; tasks are taken from the iterable only when there is room for them."""


class InProcess:
    """One block after the other, here."""

    threads = None

    def outcomes(self, tasks: Iterable[Task]) -> Iterator[tuple[Task, Outcome]]:
        """Each task in turn."""
        for task in tasks:
            yield task, _outcome_of_task(task)


def _outcome_of_task(task: Task) -> Outcome:
    try:
        return task.run()
    except (OSError, ValueError, RuntimeError, MemoryError) as error:
        return error
