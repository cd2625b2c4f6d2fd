# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""One run at a time in one output: the lock that every command takes before it writes.

The system lets go of a lock however its process ends. What a killed run leaves is a hidden file that says who it was.
"""

from __future__ import annotations

import contextlib
import os
import platform
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout

LOCK = ".run.lock"  # in an output folder
UNKNOWN = "an unknown process"
SECONDS = 6.0  # data loading processes of a killed run hold its lock a little longer than the run itself


def lock_in(folder: Path) -> Path:
    """The lock of a folder that is filled bit by bit, inside it."""
    return folder / LOCK


def lock_beside(path: Path) -> Path:
    """The lock of a file, or of a folder that appears when it is whole, beside it."""
    return path.parent / f".{path.name}.lock"


def is_lock(path: Path) -> bool:
    """Whether this is a lock, and no result."""
    return path.name == LOCK or (path.name.startswith(".") and path.name.endswith(".lock"))


def take(lock: Path, output: Path, seconds: float = SECONDS, again: bool = False) -> FileLock:
    """Take a lock; `give_back` ends it.

    Args:
        lock: its file; its folder is made if need be.
        output: what it keeps, for messages.
        seconds: to wait for another run to end.
        again: whether this process may take it though it holds it already, as a run that begins anew after an error.

    Raises:
        BlockingIOError: another run holds it; names its process.
        OSError: nothing can be written there.
    """
    held = FileLock(lock, is_singleton=again)
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        held.acquire(timeout=seconds)
        lock.write_text(
            f"process {os.getpid()} on {platform.node()}, since {datetime.now():%Y-%m-%d %H:%M:%S}", "utf-8"
        )
    except Timeout as error:
        raise BlockingIOError(
            f"{output}: another run writes there ({holder(lock)}): wait for it, or name another output"
        ) from error
    except OSError as error:
        raise OSError(
            f"{output}: cannot be made ({error.strerror or error}): name an output that can be written to"
        ) from error
    return held


def give_back(held: FileLock) -> None:
    """Let other runs in, and leave no file behind."""
    if held.is_locked:
        Path(held.lock_file).unlink(missing_ok=True)  # while it is held: who waits for it sees that it is gone
        held.release(force=True)


def holder(lock: Path) -> str:
    """Who holds a lock, or held it until it was killed."""
    with contextlib.suppress(OSError, UnicodeDecodeError):
        return lock.read_text(encoding="utf-8").strip() or UNKNOWN
    return UNKNOWN


def is_held(lock: Path) -> bool:
    """Whether a run holds a lock now."""
    if not lock.is_file():
        return False
    try:
        with FileLock(lock).acquire(timeout=0):
            return False
    except Timeout:
        return True


@contextlib.contextmanager
def sole_run(lock: Path, output: Path, seconds: float = SECONDS) -> Iterator[None]:
    """Keep other runs out of an output; errors as `take`."""
    held = take(lock, output, seconds)
    try:
        yield
    finally:
        give_back(held)
