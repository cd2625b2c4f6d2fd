# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Files that are there whole or not at all: every result of this project is written through here.

A file is filled under a temporary name beside its own and renamed when it is complete, so that a killed run never
leaves half a file that a later one takes for whole. What it does leave is swept (`leftovers`).
"""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from .leftovers import sweep_once, temporary_path

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}  # of the disk, of the user's share, of what a file may have
ROOM = 1 << 16  # bytes
GOES_ON = "make room there, and the same command goes on"


def write_whole(path: str | os.PathLike[str], write: Callable[[BinaryIO], object]) -> None:
    """Let `write` fill a temporary file, then give it its name; a file that is there is replaced in one step.

    Args:
        path: the file, in a folder that exists.
        write: gets a stream of bytes, open for writing and reading. When it raises, nothing of the file stays.

    Raises:
        OSError: it cannot be written; names `path`, and the mend where the disk is full.
    """
    path = Path(path)
    sweep_once(path.parent)
    temporary = temporary_path(path)
    try:
        with naming(path, temporary):
            _fill(temporary, write)
            os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _fill(temporary: Path, write: Callable[[BinaryIO], object]) -> None:
    with open(temporary, "wb+") as stream:
        try:
            write(stream)
        except Exception as error:
            if getattr(error, "errno", None) is None:
                _check_room(stream.fileno())  # libraries say "unexpected pos" or "requested and written"
            raise
        stream.flush()
        os.fsync(stream.fileno())


def _check_room(file: int) -> None:
    """Raise OSError where nothing more can be written into a file that nobody needs any more."""
    os.lseek(file, 0, os.SEEK_END)
    os.write(file, bytes(ROOM))


@contextmanager
def draft_folder(target: Path) -> Iterator[Path]:
    """A folder to fill, which takes the name `target` when the context ends well, so that no half of it is ever seen.

    Args:
        target: must not exist, or be an empty folder; folders above it are made.

    Raises:
        OSError: it cannot be written; names `target`, and the mend where the disk is full.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    sweep_once(target.parent)
    draft = temporary_path(target)
    try:
        with naming(target, draft):
            draft.mkdir()
            yield draft
            os.replace(draft, target)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


@contextmanager
def naming(path: str | os.PathLike[str], temporary: Path | None = None) -> Iterator[None]:
    """Make an OSError of the context name the file that is written, and the mend where the disk is full.

    Args:
        path: the file.
        temporary: file or folder in which it is being made, which nobody need know.

    Raises:
        OSError: of the same class; one that names another file already stays as it is.
    """
    try:
        yield
    except OSError as error:
        ours = error.filename is None or str(error.filename).startswith((os.fspath(path), str(temporary)))
        if error.errno is None or not ours:
            raise
        text = f"{error.strerror}: {GOES_ON}" if is_full(error) else error.strerror
        raise type(error)(error.errno, text, os.fspath(path)) from error


def is_full(error: BaseException) -> bool:
    """Whether an error says that the disk, or the user's share of it, is full: then nothing more can be written."""
    return isinstance(error, OSError) and error.errno in FULL


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write text as UTF-8, line ends as they are."""
    content = text.encode("utf-8")
    write_whole(path, lambda stream: stream.write(content))


def write_json(path: str | os.PathLike[str], content: Any) -> None:
    """Write JSON; ValueError for NaN and infinity, which JSON does not know."""
    write_text(path, json.dumps(content, indent=1, allow_nan=False) + "\n")
