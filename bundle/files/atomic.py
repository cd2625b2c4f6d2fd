# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Files that are there whole or not at all: every result of this project is written through here.

A file is filled under a temporary name beside its own and renamed when it is complete, so that a killed run never
leaves half a file that a later one takes for whole. What it does leave is hidden and ends in `TEMPORARY`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

TEMPORARY = ".writing"  # ends the name of a file that is not whole yet


def write_whole(path: str | os.PathLike[str], write: Callable[[BinaryIO], object]) -> None:
    """Let `write` fill a temporary file, then give it its name; a file that is there is replaced in one step.

    Args:
        path: the file, in a folder that exists.
        write: gets a stream of bytes, open for writing and reading. When it raises, nothing of the file stays.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}{TEMPORARY}")
    try:
        with open(temporary, "wb+") as stream:
            write(stream)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write text as UTF-8, line ends as they are."""
    content = text.encode("utf-8")
    write_whole(path, lambda stream: stream.write(content))


def write_json(path: str | os.PathLike[str], content: Any) -> None:
    """Write JSON; ValueError for NaN and infinity, which JSON does not know."""
    write_text(path, json.dumps(content, indent=1, allow_nan=False) + "\n")


def is_temporary(path: Path) -> bool:
    """Whether this is a file that is being written, or that a killed run left unfinished."""
    return path.name.startswith(".") and path.name.endswith(TEMPORARY)
