# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""ImageJ's Results table of measured points: columns X and Y, and what else was measured.

X and Y are px or, where the image was calibrated, a unit of length, and the table does not say which; `--unit` does.
Their zero is the centre of the first pixel, as for point selections. Slice, Ch and Frame are planes of a stack.
"""

from __future__ import annotations

from pathlib import Path

from ...files.csv_table import read_table
from ...files.points_csv import is_results_table
from ..clicks import UNKNOWN, Clicks, warn_of_planes
from .columns import class_column, number_columns

PLANES = ("Slice", "Ch", "Frame")

is_imagej_results = is_results_table


def read_imagej_results(path: Path) -> list[Clicks]:
    """Read one file, which is for one image.

    Raises:
        ValueError: no columns X and Y, or a value that is no number; the message names file and line.
    """
    header, rows = read_table(path, " ,X,Y")
    names = [name.strip() for name in header]
    if not is_imagej_results(header):
        raise ValueError(f"{path}, line 1: the header is {','.join(header)!r}: no Results table of ImageJ has it")
    planes = [names.index(name) for name in PLANES if name in names]
    values = number_columns(path, header, rows, [names.index("X"), names.index("Y"), *planes])
    warn_of_planes(path, map(tuple, values[:, 2:].tolist()))
    return [Clicks(path, values[:, :2], class_column(path, header, rows), unit=UNKNOWN)]
