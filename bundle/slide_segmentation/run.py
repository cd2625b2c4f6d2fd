# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Segment slides into a folder each: plan, compute the blocks that are missing, put the results together.

Whatever is interrupted, by a killed process, a full disk or a lost machine, goes on where it was when the same command
is given again; and two runs never write into one folder.
"""

from __future__ import annotations

import contextlib
import errno
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..inference.batch import Summary
from .execution import Executor, Outcome, Task
from .job import SlideJob
from .progress import progress_of
from .request import SlideRequest

logger = logging.getLogger(__name__)

ERRORS = (OSError, ValueError, RuntimeError, MemoryError)
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # disk, quota, or limit of a file's size


def segment_slides(slides: Sequence[Path], output: Path, request: SlideRequest, executor: Executor) -> Summary:
    """Segment slides; the error of one is logged and does not stop the others.

    Args:
        slides: their files, no two of one base name.
        output: a slide's results go to the folder of its base name in there.
        request: what is the same for all.
        executor: computes the blocks.

    Returns:
        How it went, by base name.
    """
    summary = Summary()
    with contextlib.ExitStack() as stack:
        jobs = [job for job in (_begun(each, output, request, stack, summary) for each in slides) if job]
        total, done = sum(job.total for job in jobs), sum(job.done for job in jobs)
        with progress_of(total, done) as progress:
            for job in jobs:
                _end_if_complete(job, summary)  # an earlier run had computed all its blocks
            by_slide = {str(job.path): job for job in jobs}
            for task, outcome in executor.outcomes(_tasks(jobs, summary)):
                job = by_slide[task.slide]
                if job.name not in summary.failed:
                    progress.update(_keep_block(job, task, outcome, summary))
                    _end_if_complete(job, summary)
    return summary


def _begun(
    path: Path, output: Path, request: SlideRequest, stack: contextlib.ExitStack, summary: Summary
) -> SlideJob | None:
    """The job of a slide; None where there is nothing to do or nothing can be done, which goes into the summary."""
    job = SlideJob(path, output / path.stem, request)
    try:
        stack.enter_context(job.folder.held())
        if job.begin():
            return job
        summary.skipped.append(job.name)
    except ERRORS as error:
        _fail(job, error, summary)
    return None


def _tasks(jobs: Sequence[SlideJob], summary: Summary) -> Iterator[Task]:
    for job in jobs:
        for task in job.tasks():
            if job.name in summary.failed:
                break
            yield task


def _keep_block(job: SlideJob, task: Task, outcome: Outcome, summary: Summary) -> int:
    """Write a block's file; the windows it took."""
    try:
        if isinstance(outcome, Exception):
            raise outcome
        return job.keep(task.block, outcome)
    except ERRORS as error:
        _fail(job, error, summary)
        return 0


def _end_if_complete(job: SlideJob, summary: Summary) -> None:
    if job.missing or job.name in summary.failed or job.name in summary.done:
        return
    try:
        job.end()
        summary.done.append(job.name)
    except ERRORS as error:
        _fail(job, error, summary)


def _fail(job: SlideJob, error: Exception, summary: Summary) -> None:
    message = str(error)
    if isinstance(error, OSError) and error.errno in NO_ROOM:
        message = f"{job.folder.folder}: {error}: make room and give the same command again; nothing is half-written"
    elif str(job.given) not in message and str(job.folder.folder) not in message:
        message = f"{job.given}: {error}"
    logger.error("%s", message)
    summary.failed[job.name] = message
