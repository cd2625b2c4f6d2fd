# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""When one of several processes is lost: the others end within seconds, and one of them says which, and how to go on.

Between CPUs a lost process breaks a connection, which raises. Between GPUs the others would wait for it; torchrun
notices, and sends them SIGTERM while they wait inside CUDA, where no Python code runs but in another thread.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import ignite.distributed as idist
from torch.distributed import DistError

logger = logging.getLogger(__name__)

PATIENCE = 5.0  # s that torchrun may take to notice a dead process
RESUME = (
    "The same command with --resume True goes on from the newest checkpoint, with this or another number of processes"
)


class LostProcessError(RuntimeError):
    """Another process of this training is gone, or is not to be reached."""


@contextmanager
def watch_processes() -> Iterator[None]:
    """Around a training: end when another process does; at the end wait until all are there.

    Nothing but that in a process alone. All processes must enter, in their main threads.

    Raises:
        LostProcessError: another process is lost; names it, and is logged.
    """
    if idist.get_world_size() == 1:
        yield
        return
    others = Others()
    with on_sigterm(others.end):
        try:
            yield
            idist.barrier()
        except RuntimeError as error:
            if not (isinstance(error, DistError) or "gloo" in str(error)):  # as in all errors of gloo's connections
                raise
            raise LostProcessError(others.report(PATIENCE)) from error


class Others:
    """The processes of this training, by machine and process id; `neighbours` are the ranks on this machine."""

    def __init__(self) -> None:
        self.rank, self.machine = idist.get_rank(), socket.gethostname()
        self.processes: list[tuple[str, int]] = idist.all_gather((self.machine, os.getpid()))  # type: ignore[assignment]
        self.neighbours = [rank for rank, (machine, _) in enumerate(self.processes) if machine == self.machine]
        self._reported = threading.Lock()

    def lost(self) -> list[int]:
        """Ranks on this machine whose process is no more."""
        return [rank for rank in self.neighbours if not is_alive(self.processes[rank][1])]

    def describe(self) -> str:
        """What happened, and how to go on."""
        lost = [f"process {rank} of {len(self.processes)} (pid {self.processes[rank][1]})" for rank in self.lost()]
        what = f"{' and '.join(lost)} ended" if lost else "told to stop, or cut off from another process"
        return (
            f"training stopped: {what}. If it was by an error, that stands nearby in this output; a process that was"
            f" killed, by a person or for want of memory, leaves none. {RESUME}"
        )

    def report(self, patience: float = 0.0) -> str:
        """Describe and, once in this process, log; wait at most `patience` seconds for a dead process to be buried."""
        end = time.monotonic() + patience
        while not self.lost() and time.monotonic() < end:
            time.sleep(0.1)
        message = self.describe()
        if self._reported.acquire(blocking=False):
            logger.error(message)
        return message

    def end(self) -> None:
        """End this process at once; report before, if it is the first one that is left on this machine."""
        lost = self.lost()
        if all(rank in lost for rank in self.neighbours if rank < self.rank):
            self.report()
        else:
            time.sleep(1)  # else the one that reports would count this one among the lost
        os._exit(128 + signal.SIGTERM)


def is_alive(pid: int) -> bool:
    """Whether there is a process with this id."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


@contextmanager
def on_sigterm(act: Callable[[], None]) -> Iterator[None]:
    """On SIGTERM call `act` in a thread of its own, whatever the main thread waits for."""
    reading, writing = socket.socketpair()
    writing.setblocking(False)

    def wait() -> None:
        while number := reading.recv(1):  # nothing when the other end is closed
            if number[0] == signal.SIGTERM:
                act()

    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    before = signal.signal(signal.SIGTERM, lambda *_: None)
    wakeup = signal.set_wakeup_fd(writing.fileno(), warn_on_full_buffer=False)
    try:
        yield
    finally:
        signal.set_wakeup_fd(wakeup)
        signal.signal(signal.SIGTERM, before)
        writing.close()
        thread.join()
        reading.close()
