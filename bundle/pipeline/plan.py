# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The plan that is shown before anything runs, with times measured on this machine.

A training stage is timed by a rehearsal: its own engine does a few real updates of its real networks on the user's
images, in a folder that is thrown away. So the estimate knows the machine, and a mistake in a configuration shows
before hours are spent. The other stages are estimated from that pace and the pixels they go over.
"""

from __future__ import annotations

import contextlib
import gc
import io
import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from ignite.engine import Engine, Events

from ..files.leftovers import scratch_folder
from .runner import clear_errors, describe_seconds
from .stage_run import StageRun
from .stages import Stage

logger = logging.getLogger(__name__)

REHEARSED_UPDATES = 4  # the first is not counted: it warms caches
REHEARSAL_SECONDS = 20.0


@dataclass(frozen=True)
class Pace:
    """How fast a training stage goes: seconds per update, updates in all, pixels in a batch."""

    seconds: float
    updates: int
    pixels: int


Paces = Mapping[str, tuple[Pace, ...]]


class Stopwatch:
    """Handler that times an engine's updates and stops it after a few.

    Args:
        updates: stop after so many.
        seconds: or after so long, if two updates are done by then.
    """

    def __init__(self, updates: int = REHEARSED_UPDATES, seconds: float = REHEARSAL_SECONDS) -> None:
        self.updates, self.seconds, self.ends, self.pixels, self.total = updates, seconds, [time.monotonic()], 0, 0

    def attach(self, engine: Engine) -> None:
        """Follow the updates of an engine."""
        engine.add_event_handler(Events.ITERATION_COMPLETED, self._update)

    def _update(self, engine: Engine) -> None:
        batch: Any = engine.state.batch
        if batch["image"].is_cuda:
            torch.cuda.synchronize(batch["image"].device)  # else the clock tells how fast work is handed over
        self.ends.append(time.monotonic())
        crops, _, height, width = batch["image"].shape  # (B, C, h, w)
        self.pixels = crops * height * width
        self.total = (engine.state.max_epochs or 1) * (engine.state.epoch_length or 1)
        done = len(self.ends) - 1
        if done >= self.updates or (done >= 2 and self.ends[-1] - self.ends[0] > self.seconds):
            engine.terminate(skip_completed=True)

    def pace(self) -> Pace:
        """The pace over all updates but the first, or over the only one."""
        first = min(1, len(self.ends) - 2)
        seconds = (self.ends[-1] - self.ends[first]) / (len(self.ends) - 1 - first)
        return Pace(seconds, self.total, self.pixels)


def rehearse(run: StageRun, updates: int = REHEARSED_UPDATES) -> tuple[Pace, ...]:
    """Do a few updates with each engine of a training stage, in a folder that is thrown away, quietly.

    Args:
        run: the stage.
        updates: how many at most; fewer where they take long.

    Raises:
        StageError: the stage stops at its start for a reason that its message names.
    """
    stage, watches = run.stage, []
    with clear_errors(f"{stage.folder} cannot start"), scratch_folder("rehearsal") as folder, _quiet():
        workflow = run.workflow(folder)
        workflow.initialize()
        for trainer in stage.trainers:
            engine, watch = workflow.parser.get_parsed_content(trainer), Stopwatch(updates)
            if engine.state.max_epochs == 0:  # a configuration turns an engine off so
                continue
            watch.attach(engine)
            engine.run()
            watches.append(watch)
        del workflow, engine
        gc.collect()
    return tuple(watch.pace() for watch in watches)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    before = logging.root.manager.disable
    logging.disable(logging.INFO)
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            yield
    finally:
        logging.disable(before)


def estimate(stages: Sequence[Stage], paces: Paces, pixels: Mapping[str, int]) -> dict[str, float]:
    """Seconds of each stage that is still to run.

    Args:
        stages: the stages of the run.
        paces: folder of a training stage -> the pace of each of its engines; the last one's tells of the other stages.
        pixels: folder of a stage -> pixels it goes over, for stages that do not train.

    Returns:
        Folder -> seconds; a stage whose pace is not known is left out.
    """
    seconds = {}
    for stage in stages:
        if stage.folder in paces:
            seconds[stage.folder] = sum(pace.seconds * pace.updates for pace in paces[stage.folder])
        elif paces.get(stage.paced_by):
            pace = paces[stage.paced_by][-1]
            seconds[stage.folder] = stage.share * pace.seconds * pixels.get(stage.folder, 0) / pace.pixels
    return seconds


def rehearse_all(runs: Sequence[StageRun], states: Mapping[str, str]) -> Paces:
    """The pace of every training stage that is needed for the plan; stages with one rehearsal share its result."""
    paces: dict[str, tuple[Pace, ...]] = {}
    measured: dict[tuple[tuple[str, ...], str], tuple[Pace, ...]] = {}
    stages = [run.stage for run in runs]
    for run, stage in zip(runs, stages, strict=True):
        if not stage.trainers or not _needed(stage, stages, states):
            continue
        rehearsed = stage.rehearsal or stage  # same network, same batch: other labels do not change the pace
        key = rehearsed.config_files, rehearsed.variant
        if key not in measured:
            logger.info("timing a few updates of %s", stage.folder)
            measured[key] = rehearse(replace(run, stage=rehearsed))
        paces[stage.folder] = measured[key]
    return paces


def _needed(stage: Stage, stages: Sequence[Stage], states: Mapping[str, str]) -> bool:
    waiting = [other for other in stages if states[other.folder] != "done"]
    return any(stage.folder in (other.folder, other.paced_by) for other in waiting)


def describe_plan(
    stages: Sequence[Stage], states: Mapping[str, str], paces: Paces, seconds: Mapping[str, float]
) -> list[str]:
    """The plan in lines of text: every stage with its state, its work and about how long that takes."""
    lines = [
        f"{number}. {stage.folder}: {stage.does}; {_prospect(stage, states, paces, seconds)}"
        for number, stage in enumerate(stages, start=1)
    ]
    if set(states.values()) == {"done"}:
        return [*lines, "nothing is left to do but the report"]
    total = sum(value for folder, value in seconds.items() if states[folder] != "done")
    bound = "at most about" if "partial" in states.values() else "about"
    return [*lines, f"in all {bound} {describe_seconds(total)}, by updates timed on this machine just now"]


def _prospect(stage: Stage, states: Mapping[str, str], paces: Paces, seconds: Mapping[str, float]) -> str:
    if states[stage.folder] == "done":
        return "done already"
    if stage.folder not in seconds:
        return "time not known"
    about = f"about {describe_seconds(seconds[stage.folder])}"
    if stage.folder in paces:
        updates = (f"{pace.updates} updates of {pace.seconds:.2g} s" for pace in paces[stage.folder])
        about = f"{', then '.join(updates)}, {about}"
    return f"was cut, goes on: at most {about}" if states[stage.folder] == "partial" else about
