# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""A CSV table that grows while training, one row per reading, and that a resumed run continues where it was cut."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import TextIO

from ..files.atomic import naming, write_text
from ..files.csv_table import csv_text


class StepTable:
    """Rows that begin with the update they are of; rows of later updates, of a run that was cut, are dropped.

    Args:
        path: the file; its folder is made if need be.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.file: TextIO | None = None

    def write(self, row: Mapping[str, object], first: int) -> None:
        """Add a row.

        Args:
            row: column -> value; the first is the update, counted from 1.
            first: the first update that the row tells of. When the file is opened, rows of an earlier run from there
                on are dropped, and with 1 all of them.
        """
        if self.file is None:
            self.file = self._open(list(row), first)
        with naming(self.path):
            self.file.write(csv_text([row.values()]))
            self.file.flush()

    def close(self) -> None:
        """Close the file; the next row opens it again."""
        if self.file is not None:
            self.file.close()
            self.file = None

    def _open(self, header: list[str], first: int) -> TextIO:
        """The file with its rows before update `first`, ready for more."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        write_text(self.path, csv_text([header, *self._rows_before(first, header)]))
        return open(self.path, "a", newline="", encoding="utf-8")

    def _rows_before(self, first: int, header: list[str]) -> list[list[str]]:
        if first == 1 or not self.path.is_file():
            return []
        with open(self.path, newline="", encoding="utf-8") as file:
            rows = list(csv.reader(file))
        if rows[:1] != [header]:
            return []
        return [row for row in rows[1:] if len(row) == len(header) and int(row[0]) < first]
