# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""What Dask is asked to run: text in, bytes out. Schedulers have to know it too, so nothing heavy is imported here."""

from __future__ import annotations


def compute(task: str) -> bytes:
    """The content of a block's file; `task` is an `execution.Task` as JSON; errors as `segment_block`."""
    from .execution import task_from

    return task_from(task).run()
