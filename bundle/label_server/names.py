# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Names and paths that clients send, before anything is read or written by them."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

UPLOADED = re.compile(r"tmp[a-z0-9_]{8}(\.[^/\\]*)?")  # how Python calls temporary files, which uploads become
LONGEST = 200  # characters


def plain_name(name: object, what: str) -> str:
    """Pass on a name that stays in its folder.

    Args:
        name: as a client sent it.
        what: it is for, to be named in the message.

    Raises:
        ValueError: it is no text, empty or very long, hidden, or holds a separator or a control character.
    """
    if not isinstance(name, str) or not 0 < len(name) <= LONGEST or name.startswith("."):
        raise ValueError(f"{what} is {name!r}: give a name of 1 to {LONGEST} characters that does not begin with a dot")
    if any(character in "/\\:" or not character.isprintable() for character in name):
        raise ValueError(f"{what} is {name!r}: a name holds no slash, colon or control character")
    return name


def is_upload(path: str) -> bool:
    """Whether a path is that of a file which the server has just received: a temporary file, and no link elsewhere."""
    given, folder = Path(path), Path(tempfile.gettempdir()).resolve()
    return (
        given.is_absolute()
        and bool(UPLOADED.fullmatch(given.name))
        and given.is_file()
        and given.resolve() == folder / given.name
    )
