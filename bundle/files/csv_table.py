# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Small CSV tables that people write: read with the numbers of their lines, so that a message can name the line."""

from __future__ import annotations

import csv
import io
import math
import os
from collections.abc import Collection, Mapping, Sequence
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


def read_by_image(
    path: Path, table: tuple[list[str], list[Row]], columns: tuple[int, int], images: Collection[str]
) -> dict[str, float]:
    """One positive number for each image that is listed.

    Args:
        path: the file, for messages.
        table: its header and rows, as `read_table` gives them.
        columns: of the image's base name, and of the number.
        images: base names of the images that are there; not every one need be listed.

    Raises:
        ValueError: an image does not exist or is listed twice, or a value is no positive number; names file and line.
    """
    header, rows = table
    what = header[columns[1]].strip().lower()
    found: dict[str, float] = {}
    lines: dict[str, int] = {}
    for line, row in rows:
        name, text = cells(path, header, (line, row), columns)
        if name not in images:
            raise ValueError(
                f"{path}, line {line}: there is no image {name!r}: name an image by its file name without the ending"
                " (.png, ...), or delete this row"
            )
        if name in found:
            raise ValueError(f"{path}, line {line}: {name!r} is on line {lines[name]} already: keep one of the two")
        if (value := read_number(path, line, what, text)) <= 0:
            raise ValueError(
                f"{path}, line {line}: {what} is {text!r}: give a positive number of {what.rpartition('_')[2]}"
            )
        found[name], lines[name] = value, line
    return found


def csv_text(header: str, values: Mapping[str, float]) -> str:
    """A table of one number for each name, as `read_by_image` takes it: `header`, then a line for each."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerows([header.split(","), *((name, repr(value)) for name, value in values.items())])
    return stream.getvalue()
