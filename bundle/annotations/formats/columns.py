# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Columns of tables of clicks: numbers, and the class."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ...files.csv_table import Row, read_cell_number, read_cells

CLASS_COLUMNS = ("class", "label", "type")
PLANE_COLUMNS = ("z", "t", "slice", "frame", "plane", "ch", "channel", "time")


def number_columns(path: Path, header: list[str], rows: list[Row], columns: list[int]) -> np.ndarray:
    """Some columns of a table as float64 (rows, columns); ValueError names file, line and column of what is none."""
    values = [
        [
            read_cell_number(path, row[0], header[column].strip(), text)
            for column, text in zip(columns, read_cells(path, header, row, columns), strict=True)
        ]
        for row in rows
    ]
    return np.array(values, np.float64).reshape(-1, len(columns))


def planes_of_rows(path: Path, header: list[str], rows: list[Row]) -> list[tuple[str, ...]]:
    """Where in a stack each row of a table lies, by whatever columns say so."""
    columns = [column for column, name in enumerate(header) if name.strip().lower() in PLANE_COLUMNS]
    return [tuple(read_cells(path, header, row, columns)) if columns else () for row in rows]


def class_column(path: Path, header: list[str], rows: list[Row]) -> tuple[str | None, ...]:
    """The class of each row of a table: the first of the columns class, label and type; None where it says nothing."""
    names = [name.strip().lower() for name in header]
    column = next((names.index(name) for name in CLASS_COLUMNS if name in names), None)
    if column is None:
        return (None,) * len(rows)
    return tuple(read_cells(path, header, row, [column])[0] or None for row in rows)
