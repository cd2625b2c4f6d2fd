# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""A plain table: CSV with the columns x and y, and maybe class, in px of the image, pixel centres at integers.

This is the form of the project's own points files, which need no conversion to train on; here it is read for what may
be done with any clicks, such as cutting tiles. A header without rows states that the image holds no object.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ...files.csv_table import read_table
from ..clicks import Clicks, warn_of_planes
from .columns import class_column, number_columns, planes_of_rows


def is_plain(header: Sequence[str]) -> bool:
    """Whether a table has one column x and one column y."""
    names = [name.strip().lower() for name in header]
    return names.count("x") == 1 and names.count("y") == 1


def read_plain(path: Path) -> list[Clicks]:
    """Read one file, which is for one image.

    Raises:
        ValueError: no columns x and y, or a value that is no number; the message names file and line.
    """
    header, rows = read_table(path, "x,y")
    names = [name.strip().lower() for name in header]
    if not is_plain(header):
        raise ValueError(
            f"{path}, line 1: the header is {','.join(header)!r}: neither a points layer of napari"
            " (index,axis-0,axis-1) nor ImageJ's Results (X,Y,Area), QuPath's measurements (Centroid X), or a table of"
            " x,y in px"
        )
    points = number_columns(path, header, rows, [names.index("x"), names.index("y")])
    warn_of_planes(path, planes_of_rows(path, header, rows))
    return [Clicks(path, points, class_column(path, header, rows), is_stated_empty=not rows)]
