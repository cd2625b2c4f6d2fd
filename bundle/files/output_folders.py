# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Checks of paths that a user gives, made before anything is read or written."""

from __future__ import annotations

import os
from pathlib import Path

from .manifest_file import MANIFEST, is_result, read_manifest

TROUBLE = {
    "::": "which is also what the configuration parser makes of '#'",
    "#": "which the configuration parser turns into '::'",
    "$": "which makes the configuration parser evaluate the text as Python",
    "@": "which makes the configuration parser look for an id",
    "%": "which makes the configuration parser look for a file",
    " ": "which splits the command line",
    "\t": "which splits the command line",
    "\n": "which splits the command line",
}


def check_bundle_path(path: str | os.PathLike[str]) -> str:
    """Pass on a path that `python -m monai.bundle run` can take, for use inside a configuration.

    Args:
        path: as it arrived through the configuration parser.

    Returns:
        The path as text, unchanged.

    Raises:
        ValueError: its name holds `#`, `$`, `@`, `%`, a space, or `::` (a `#` after the parser was at it).
    """
    text = os.fspath(path)
    for character, reason in TROUBLE.items():
        if character in text:
            raise ValueError(
                f"the path {text!r} holds {character!r}, {reason}: rename the folder, or use"
                " `python -m scripts.pipeline run`, which takes any name"
            )
    return text


def prepare_output_dir(folder: str | os.PathLike[str], stage: str) -> Path:
    """Make an output folder, or accept one in which the same stage has written before. Nothing is ever deleted.

    Args:
        folder: where the stage is to write.
        stage: the stage's name, as its manifest has it.

    Returns:
        The folder, which exists.

    Raises:
        FileExistsError: it is a file, or holds something else than this stage's own output.
        ValueError: its manifest cannot be read.
    """
    folder = Path(folder)
    if folder.exists() and not folder.is_dir():
        raise FileExistsError(f"{folder} is a file: name a folder for the output of {stage}")
    folder.mkdir(parents=True, exist_ok=True)
    manifest = read_manifest(folder)
    others = sorted(path.name for path in folder.iterdir() if is_result(path))
    mend = "nothing of it is touched; name another output folder, or move it away"
    if manifest is None and others:
        raise FileExistsError(
            f"{folder} holds {others[0]!r} but no {MANIFEST}, so it is not an output of {stage}: {mend}"
        )
    if manifest is not None and manifest.get("stage") != stage:
        raise FileExistsError(f"{folder} holds the output of {manifest.get('stage')!r}, not of {stage!r}: {mend}")
    return folder


def require_empty_dir(folder: str | os.PathLike[str]) -> Path:
    """Accept a folder that does not exist or is empty; it is not made.

    Raises:
        FileExistsError: it is a file or holds something.
    """
    folder = Path(folder)
    if folder.exists() and (not folder.is_dir() or any(map(is_result, folder.iterdir()))):
        raise FileExistsError(f"{folder} exists and is not empty: nothing of it is touched; name another output folder")
    return folder
