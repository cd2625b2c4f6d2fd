# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Small CSV tables that people write: read with the numbers of their lines, so that a message can name the line."""

from __future__ import annotations

import csv
import io
import math
import os
from collections.abc import Sequence
from pathlib import Path

Row = tuple[int, list[str]]  # number of its line, its cells


def read_table(path: Path, header: str) -> tuple[list[str], list[Row]]:
    """Read a CSV file, UTF-8 with commas.

    Args:
        path: the file.
        header: an example of its first line, for messages.

    Returns:
        The cells of the first line, and every row after it that is not empty, as they are written.

    Raises:
        ValueError: the file is no such text; the message names it.
    """
    try:
        reader = csv.reader(io.StringIO(path.read_bytes().decode("utf-8-sig"), newline=""))
        first = next(reader, [])
        return first, [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(
            f"{path}: is no CSV text ({error}): save it as CSV, UTF-8, with the header {header}"
        ) from error


def cells(path: Path, header: Sequence[str], row: Row, columns: Sequence[int]) -> list[str]:
    """Some columns of a row, without blanks around them; ValueError where the row has fewer or more than the header."""
    line, texts = row
    if max(columns) >= len(texts) or any(text.strip() for text in texts[len(header) :]):
        count, mend = ("fewer", "fill in") if len(texts) < len(header) else ("more", "write 1.5, not 1,5, in")
        named = " and ".join(header[column].strip() for column in columns)
        raise ValueError(
            f"{path}, line {line}: {','.join(texts)!r} has {count} columns than the header: {mend} {named}"
        )
    return [texts[column].strip() for column in columns]


def read_number(path: str | os.PathLike[str], line: int, name: str, text: str) -> float:
    """The number in one cell; ValueError names file, line, column and text where it is none."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f"{path}, line {line}: {name} is {text!r}, which is no number: correct or delete this row")
    return number
