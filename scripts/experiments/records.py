# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""What finished runs were measured to be, as lines of a CSV that outlives the machine they ran on.

An experiment of days is run in parts, perhaps on several machines. A run that is on record is not run again.
"""

from __future__ import annotations

import csv
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from bundle.files.atomic import write_text
from bundle.files.csv_table import as_cell, csv_text, from_cell

Record = dict[str, Any]
TEXTS = ("row", "image")  # columns of names, also where a name looks like a number


def read_records(path: str | Path) -> list[Record]:
    """The lines of a CSV, numbers as numbers, empty cells left out; [] where there is no file, or "" names none."""
    if not path or not Path(path).is_file():
        return []
    with open(path, newline="", encoding="utf-8") as file:
        return [
            {name: _typed_value(name, from_cell(text)) for name, text in line.items() if text}
            for line in csv.DictReader(file)
        ]


def write_records(path: Path, records: Sequence[Record]) -> None:
    """All columns of all records; a value that a run does not have is left empty."""
    columns = list(dict.fromkeys(column for record in records for column in record))
    path.parent.mkdir(parents=True, exist_ok=True)
    cells = ([_cell(record.get(column, "")) for column in columns] for record in records)
    write_text(path, csv_text([columns, *cells]))


def _cell(value: Any) -> Any:
    return as_cell(value) if isinstance(value, str) else value


def merge_records(old: Sequence[Record], new: Sequence[Record]) -> list[Record]:
    """Old records in their order, those of runs that are measured anew replaced, then the rest of the new ones.

    A run may have several records, such as one for each image.
    """
    fresh: dict[tuple[str, int], list[Record]] = {}
    for record in new:
        fresh.setdefault(run_of(record), []).append(record)
    measured, kept = set(fresh), []
    for record in old:
        kept += fresh.pop(run_of(record), []) if run_of(record) in measured else [record]
    return kept + [record for records in fresh.values() for record in records]


def enter_records(path: str, new: Sequence[Record]) -> list[Record]:
    """Lay the records of runs over those of a CSV as it is now, since others may have entered theirs meanwhile.

    Args:
        path: of the CSV, which need not exist; "": of none.
        new: records of finished runs.

    Returns:
        All records, as they are then in the file.
    """
    if not path:
        return list(new)
    found = merge_records(read_records(path), new)
    write_records(Path(path), found)
    return found


def mean_and_sd(entries: Mapping[str, Mapping[str, float]], names: Collection[str], digits: int = 5) -> Record:
    """Two columns for each metric, aji and aji_sd, of what `summarise` returns; those that are there, of the names."""
    columns = ({name: entry["mean"], f"{name}_sd": entry["sd"]} for name, entry in entries.items() if name in names)
    return {name: round(value, digits) for pair in columns for name, value in pair.items()}


def run_of(record: Record) -> tuple[str, int]:
    """Which run a record is of: row and seed."""
    return str(record["row"]), int(record["seed"])


def _typed_value(column: str, text: str) -> Any:
    for kind in () if column in TEXTS else (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
