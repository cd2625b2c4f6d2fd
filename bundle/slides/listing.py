# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The slides that a command line names."""

from __future__ import annotations

import os
from pathlib import Path

from ..data.items import files_by_name

SLIDE_SUFFIXES = (
    *(".svs", ".tif", ".tiff", ".ndpi", ".vms", ".vmu", ".scn", ".mrxs", ".svslide", ".bif", ".czi", ".dcm"),
)


def list_slides(slides: str | os.PathLike[str], output: str | os.PathLike[str]) -> list[Path]:
    """The slide of this name, or the slides directly in this folder, by name; hidden files are left out.

    Args:
        slides: a slide's file or a folder.
        output: where results will go.

    Raises:
        FileNotFoundError: there is neither a file nor a folder of this name.
        ValueError: the folder holds no slide, two of one base name or links to one file, or is where the results are
            to go.
    """
    path = Path(slides)
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise FileNotFoundError(f"{path}: no such slide, and no such folder")
    if Path(output).resolve() == path.resolve():
        raise ValueError(f"output {output} is the folder of the slides: name another one")
    found = [each for each in files_by_name(path, SLIDE_SUFFIXES).values() if not each.is_dir()]
    if not found:
        raise ValueError(f"{path}: holds no slide ({', '.join(SLIDE_SUFFIXES)})")
    _refuse_links(found)
    return found


def _refuse_links(slides: list[Path]) -> None:
    """Two names of one file: blocks are told apart by their slide's file."""
    first: dict[Path, Path] = {}
    for slide in slides:
        if (other := first.setdefault(slide.resolve(), slide)) is not slide:
            raise ValueError(f"{other} and {slide} are the same file: remove one of the links")
