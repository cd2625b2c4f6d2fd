# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""napari's points layer saved as CSV: index, axis-0, axis-1, ... and a column for each feature.

napari saves the layer's own coordinates, without its scale and translate. The last two axes are y and x, in this order,
in px of the layer, pixel centres at integers as here; axes before them are planes of a stack. Where the layer's
coordinates are no px (a layer made in um by a script), `--unit` says how long a px is in them. The class is the first
of the columns class, label and type.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from ...files.csv_table import read_table
from ..clicks import Clicks, warn_of_planes
from .columns import class_column, number_columns

HEADER = "index,axis-0,axis-1"


def is_napari(header: Sequence[str]) -> bool:
    """Whether a table names its columns as napari does."""
    return any(name.strip().lower().startswith("axis-") for name in header)


def read_napari(path: Path) -> list[Clicks]:
    """Read one file, which is for one image.

    Raises:
        ValueError: no such columns, a shapes layer, or a value that is no number; the message names file and line.
    """
    header, rows = read_table(path, HEADER)
    names = [name.strip().lower() for name in header]
    if "shape-type" in names:
        raise ValueError(f"{path}: is a shapes layer of napari: save the points layer")
    axes = sorted((name for name in names if re.fullmatch(r"axis-\d+", name)), key=lambda name: int(name[5:]))
    if len(axes) < 2 or len(set(axes)) < len(axes):
        raise ValueError(f"{path}, line 1: the header is {','.join(header)!r}: napari's points have {HEADER}")
    columns = [names.index(axis) for axis in axes]
    values = number_columns(path, header, rows, columns)  # (N, axes)
    warn_of_planes(path, map(tuple, values[:, :-2].tolist()))
    return [Clicks(path, values[:, [-1, -2]], class_column(path, header, rows))]
