# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""What killed runs leave behind, unfinished files and scratch folders: named so that a later run knows them and sweeps.

A name tells which process made it, on which machine. What a process made that is gone is nobody's.
"""

from __future__ import annotations

import functools
import os
import platform
import re
import shutil
import tempfile
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

TEMPORARY = ".writing"  # ends the name of a file that is not whole yet
MACHINE = f"{zlib.crc32(platform.node().encode()):08x}"
OWNER = re.compile(r"\.(?:(?P<machine>[0-9a-f]{8})-)?(?P<process>\d+)" + re.escape(TEMPORARY) + "$")
STARTED = time.time()  # of this process, or soon after
SLACK = 2.0  # s by which clocks of file systems may differ from this one


def temporary_path(path: Path) -> Path:
    """Where this process fills a file, or a folder, that will have the name `path` when it is whole."""
    return path.with_name(f".{path.name}.{MACHINE}-{os.getpid()}{TEMPORARY}")


def is_temporary(path: Path) -> bool:
    """Whether this is a file that is being written, or that a killed run left unfinished."""
    return path.name.startswith(".") and path.name.endswith(TEMPORARY)


@functools.cache
def sweep_once(folder: Path) -> None:
    """Remove what killed runs left unfinished in a folder, the first time that this process writes there."""
    sweep(folder)


def sweep(folder: Path) -> list[Path]:
    """Remove what killed runs of this machine left unfinished in a folder; what is still being written stays.

    Returns:
        What was removed.
    """
    try:
        left = [Path(entry.path) for entry in os.scandir(folder) if entry.name.endswith(TEMPORARY)]
    except OSError:
        return []  # it is not there, or cannot be read: who writes there will say so
    return [path for path in left if is_temporary(path) and _is_nobodys(path) and _remove(path)]


@contextmanager
def scratch_folder(purpose: str, parent: Path | None = None) -> Iterator[Path]:
    """A folder for the time of the context, beside others of its purpose; those of killed runs are removed.

    Args:
        purpose: begins its name.
        parent: where it lies; None: where the system keeps such.
    """
    parent = parent or Path(tempfile.gettempdir())
    for left in parent.glob(f"{purpose}-*{TEMPORARY}"):
        if _is_nobodys(left):
            _remove(left)
    with tempfile.TemporaryDirectory(
        prefix=f"{purpose}-", suffix=f".{MACHINE}-{os.getpid()}{TEMPORARY}", dir=parent
    ) as folder:
        yield Path(folder)


def _is_nobodys(path: Path) -> bool:
    """Whether the process that made it is gone; one of another machine is taken to work on."""
    found = OWNER.search(path.name)
    if found is None or found["machine"] not in (None, MACHINE):
        return False
    process = int(found["process"])
    if process != os.getpid():
        return not _is_alive(process)
    try:
        return path.stat().st_mtime < STARTED - SLACK  # an earlier process of this number, as in containers
    except OSError:
        return False


def _is_alive(process: int) -> bool:
    if os.name == "nt":
        return True  # there the question would end it
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True  # somebody else's, or no number of a process
    return True


def _remove(path: Path) -> bool:
    """Whether it is gone now; what belongs to somebody else stays."""
    try:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    except OSError:
        return False
    return True
