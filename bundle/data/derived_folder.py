# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""A data folder that is made of others, once: `sources.json` in it says of which, and it is never made of others."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..files.atomic import draft_folder

SOURCES = "sources.json"


def ensure_derived(folder: Path, made_of: Any, write: Callable[[Path], object]) -> Path:
    """Make a data folder, or find there that it was made of the same before.

    Args:
        folder: where to; what is there is never changed.
        made_of: all that decides its content, as JSON holds it.
        write: fills an empty folder, `SOURCES` with `made_of` included.

    Returns:
        The folder.

    Raises:
        FileExistsError: the folder holds something else, or was made of data that have changed since.
        OSError, ValueError: as `write`.
    """
    found = folder / SOURCES
    if found.is_file():
        if json.loads(found.read_text("utf-8")) == json.loads(json.dumps(made_of)):
            return folder
        raise FileExistsError(
            f"{found}: was made of other data sets, or they have changed since: name another output folder, or remove"
            f" {folder} if the new data are meant"
        )
    if folder.is_dir() and any(folder.iterdir()):
        raise FileExistsError(f"{folder}: holds no {SOURCES}, so nothing was derived here: name another folder")
    with draft_folder(folder) as draft:
        write(draft)
    return folder
