# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Runs stages in order: what is done is skipped, what was cut is resumed, what no longer fits is refused."""

from __future__ import annotations

import gc
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from monai.bundle import ConfigWorkflow

from ..files.error_lines import root_cause
from ..files.stage_progress import finished_at, stage_seconds
from .stage_run import StageRun

logger = logging.getLogger(__name__)


Watch = Callable[[StageRun, ConfigWorkflow], None]  # sees the workflow of a stage before it runs


class StageError(ValueError):
    """A stage stopped for a reason that the user can mend."""


def run_stages(runs: Sequence[StageRun], watch: Watch | None = None) -> None:
    """Run the stages in order, each to its end, with a manifest in each folder.

    Args:
        runs: the stages, each with what is asked of it.
        watch: called for every stage that runs, once its workflow is initialized, such as to attach a handler.

    Raises:
        StaleStageError: before the first stage that does not fit what is asked for.
    """
    for number, run in enumerate(runs, start=1):
        state = run.state()
        title = f"stage {number} of {len(runs)}, {run.stage.folder}"
        if state == "done":
            logger.info("%s: done already (%s)", title, _duration_and_end(run.folder))
            continue
        going_on = ", going on from where it was cut" if state == "partial" else ""
        logger.info("%s: %s%s", title, run.stage.does, going_on)
        run_stage(run, state == "partial", watch)
        logger.info("%s: done (%s)", title, _duration_and_end(run.folder))


def run_stage(run: StageRun, resume: bool, watch: Watch | None = None) -> None:
    """Run one stage by its MONAI workflow; the manifest says `complete` only when all of it has run.

    Args:
        run: the stage.
        resume: whether it goes on from what is there.
        watch: as for `run_stages`.

    Raises:
        StageError: the stage stopped for a reason that its message names; what it wrote stays, to be resumed.
    """
    manifest = run.manifest()
    manifest.begin()
    with clear_errors(f"{run.stage.folder} stopped", "\nThe same command goes on from what is there"):
        workflow = run.workflow(run.folder, resume, manifest=manifest)
        workflow.initialize()
        if watch:
            watch(run, workflow)
        workflow.run()
        workflow.finalize()
    del workflow
    gc.collect()  # engines refer to themselves in circles: give their networks' memory back before the next stage
    manifest.finish()


@contextmanager
def clear_errors(what: str, advice: str = "") -> Iterator[None]:
    """Turn an error that the user can mend, however deep the parser wrapped it, into a StageError of one line."""
    try:
        yield
    except Exception as error:
        cause = root_cause(error)
        if isinstance(cause, (ValueError, OSError)):
            raise StageError(f"{what}: {cause}{advice}") from error
        raise


def _duration_and_end(folder: Path) -> str:
    return f"{describe_seconds(stage_seconds(folder))}, finished {finished_at(folder)} UTC"


def describe_seconds(seconds: float) -> str:
    """A duration as a person says it: "8 s", "12 min", "3 h 20 min"."""
    if seconds < 90:
        return f"{max(seconds, 1):.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"
