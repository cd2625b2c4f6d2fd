# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""A points file that is edited: rows nobody touches stay as they are written, with all their columns and decimals."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from transforms.size import Size

from ...files.csv_table import csv_text, read_table
from ...files.points_csv import parse_points

HEADER = ("x", "y")
Cells = tuple[str, ...]


@dataclass(frozen=True)
class Point:
    """One click and its row of the file."""

    x: float  # px of the image, pixel centres at integers
    y: float
    cells: Cells  # the row as text, all columns


@dataclass(frozen=True)
class Columns:
    """The header of a points file."""

    header: Cells = HEADER

    def point(self, x: float, y: float, row: Sequence[str] = ()) -> Point:
        """A click at a place; the other columns as in `row`, where that is given.

        Values are rounded to what a points file holds, float32.
        """
        cells = [*row, *[""] * (len(self.header) - len(row))]
        for name, value in (("x", x), ("y", y)):
            cells[self._index(name)] = np.format_float_positional(np.float32(value), min_digits=2)
        return Point(float(np.float32(x)), float(np.float32(y)), tuple(cells))

    def text(self, points: Iterable[Point]) -> str:
        """The whole file."""
        return csv_text([self.header, *(point.cells for point in points)])

    def _index(self, name: str) -> int:
        return [cell.strip().lower() for cell in self.header].index(name)


def read_columns_and_points(path: Path, size: Size) -> tuple[Columns, list[Point]]:
    """The header and the clicks of a points file, double clicks included.

    Args:
        path: the file.
        size: (H, W) of its image, px.

    Raises:
        FileNotFoundError, ValueError: as `parse_points`.
    """
    places = parse_points(path, size).tolist()
    header, rows = read_table(path, ",".join(HEADER))
    return Columns(tuple(header)), [Point(x, y, tuple(cells)) for (x, y), (_, cells) in zip(places, rows, strict=True)]
