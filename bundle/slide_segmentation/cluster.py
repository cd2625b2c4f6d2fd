# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Blocks computed by many processes through Dask: here, or on every machine that a scheduler knows.

A block is a task that returns the bytes of its file, and this process alone writes; so a worker that dies leaves
nothing behind, and Dask gives its blocks to others. Workers need neither this folder nor the code in theirs: they are
sent it. They have to see the slides and the model under the same paths.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import zipfile
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from ..files.leftovers import scratch_folder
from ..files.quiet import silent
from .execution import Executor, InProcess, Outcome, Task
from .remote import compute

if TYPE_CHECKING:
    from distributed import Client

logger = logging.getLogger(__name__)

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("bundle", "transforms")
AHEAD = 2  # tasks handed out for each thread of the workers, so that none waits
CONNECT_SECONDS = 30
CHATTY = ("distributed", "distributed.client")  # loggers, each with a level of its own
PRELOADED = f"{__package__}.interrupts"  # what workers on this machine load first
WORKER_MEMORY = 2e9  # bytes: twice what a process takes for blocks of the default size


class DaskExecutor:
    """Computes blocks on the workers of a Dask client, which may come and go.

    Args:
        client: connected.
    """

    threads = 1  # of the processor for each block: cores are used by having as many workers

    def __init__(self, client: Client) -> None:
        self.client = client

    def outcomes(self, tasks: Iterable[Task]) -> Iterator[tuple[Task, Outcome]]:
        """Each task as it ends; as many are handed out as there are workers for.

        Raises:
            ConnectionError: the scheduler is gone.
        """
        from distributed import CancelledError

        try:
            yield from self._outcomes(tasks)
        except (CancelledError, OSError) as error:  # blocks' own errors are outcomes
            reason = " ".join(str(error).split())
            raise ConnectionError(
                f"the Dask scheduler is gone ({reason}): start one and give the same command again; finished blocks are"
                " kept"
            ) from error

    def _outcomes(self, tasks: Iterable[Task]) -> Iterator[tuple[Task, Outcome]]:
        from distributed import as_completed

        waiting = iter(tasks)
        given = {self._submit(task): task for task in islice(waiting, self._room())}
        running = as_completed(given)
        while not running.is_empty():
            future = next(running)
            yield given.pop(future), _outcome_of_future(future)
            for following in islice(waiting, max(self._room() - len(given), 0)):
                submitted = self._submit(following)
                given[submitted] = following
                running.add(submitted)

    def _submit(self, task: Task) -> Any:
        return self.client.submit(compute, task.as_text(), pure=False)

    def _room(self) -> int:
        return AHEAD * max(sum(self.client.nthreads().values()), 1)


@contextlib.contextmanager
def executor_of(scheduler: str | None, workers: int | None, device: torch.device) -> Iterator[Executor]:
    """What computes blocks.

    Args:
        scheduler: address of a Dask scheduler, in place of workers.
        workers: processes on this machine; 0: this process alone; None: one for each core, as far as the memory goes,
            or this process for a GPU.
        device: where networks compute.

    Raises:
        ValueError: Dask is not installed, nothing answers at the address, both are given, or workers is no number.
    """
    if scheduler is not None and workers is not None:
        raise ValueError("scheduler and workers are both given: choose one")
    if workers is not None and (not isinstance(workers, int) or workers < 0):
        raise ValueError(f"workers is {workers!r}: give a whole number, 0 for this process alone")
    if scheduler is None and (workers == 0 or (workers is None and device.type != "cpu")):
        yield InProcess()
    else:
        with connected(scheduler, workers) as client:
            yield DaskExecutor(client)


@contextlib.contextmanager
def connected(scheduler: str | None, workers: int | None) -> Iterator[Client]:
    """A client of a scheduler whose workers have the code, or of so many processes here; errors as `executor_of`."""
    try:
        from distributed import Client, LocalCluster
        from distributed.system import MEMORY_LIMIT
    except ImportError as error:
        raise ValueError(
            f"Dask is not installed ({error}): pip install distributed, or give --workers 0 for this process alone"
        ) from error
    with contextlib.ExitStack() as stack:
        stack.enter_context(silent(*CHATTY))
        if scheduler is None:
            workers = workers or max(min(os.cpu_count() or 1, int(MEMORY_LIMIT / WORKER_MEMORY)), 1)
            options = {"threads_per_worker": 1, "memory_limit": 0, "dashboard_address": None, "preload": PRELOADED}
            cluster = LocalCluster(n_workers=workers, processes=True, silence_logs=logging.ERROR, **options)
            yield stack.enter_context(Client(stack.enter_context(cluster)))
            return
        try:
            client = stack.enter_context(Client(scheduler, timeout=CONNECT_SECONDS))
        except (OSError, ValueError) as error:
            raise ValueError(f"no Dask scheduler answers at {scheduler} ({error}): start one, or correct it") from error
        send_code(client)
        if not client.nthreads():
            logger.warning("%s has no worker yet: `dask worker %s --nthreads 1` starts one", scheduler, scheduler)
        yield client


def send_code(client: Client) -> None:
    """Give this project's code to the scheduler and all workers, also to those that come later, wherever they run."""
    with scratch_folder("cluster") as folder:
        client.upload_file(str(pack_code(folder)))


def pack_code(folder: Path) -> Path:
    """The project's packages as a zip in a folder, named by its content, from which Python can import."""
    files = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()
    packed = folder / f"points_to_nuclei_{digest[:16]}.zip"
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in files:
            archive.write(path, path.relative_to(ROOT))
    return packed


def _outcome_of_future(future: Any) -> Outcome:
    from distributed import KilledWorker

    error = future.exception()
    if error is None:
        return future.result()
    if isinstance(error, KilledWorker):
        return RuntimeError(
            f"several workers died of one block ({error}): where memory was short, give a smaller --block and another"
            " output"
        )
    if isinstance(error, ImportError):
        return RuntimeError(f"a worker lacks a package ({error}): install requirements.txt where it runs")
    if isinstance(error, OSError | ValueError | RuntimeError | MemoryError):
        return error
    return RuntimeError(f"a worker stopped with {type(error).__name__}: {error}")
