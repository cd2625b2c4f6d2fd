# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""CSV tables: those that people write, read with the numbers of their lines; and how all are written, harmlessly."""

from __future__ import annotations

import codecs
import csv
import io
import logging
import math
import os
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from .untrusted_text import composed

logger = logging.getLogger(__name__)

DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
SEPARATOR_LINE = re.compile(r'"?sep=(.)"?[ \t]*\r?\n', re.IGNORECASE)  # Excel's
DECIMAL_COMMA = re.compile(r"^(\s*[-+]?\d+),(\d+\s*)$")
DECIMAL_POINT = re.compile(r"\s*[-+]?\d+\.\d+\s*")

Row = tuple[int, list[str]]  # number of its line, its cells
FORMULA = re.compile(r"'*[=+\-@\t\r\n]")  # what a spreadsheet may compute when it opens the file; "'" makes it text


def as_cell(text: str) -> str:
    """A text, such as the name of a file, as a cell that no spreadsheet takes for a formula; `from_cell` undoes it."""
    return f"'{text}" if FORMULA.match(text) else text


def from_cell(text: str) -> str:
    """The text that `as_cell` made a cell of."""
    return text[1:] if text.startswith("'") and FORMULA.match(text) else text


def csv_text(rows: Iterable[Iterable[object]]) -> str:
    r"""Rows as text: commas, quotes where they are needed, a line feed behind each; the header is the first row.

    >>> csv_text([("name", "area"), ("a, b", 1.5)])
    'name,area\n"a, b",1.5\n'
    """
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def read_table(path: Path, header: str) -> tuple[list[str], list[Row]]:
    """Read a table in text: columns separated by commas, semicolons or tabs, as UTF-8 or as UTF-16 with its mark.

    Where columns are not separated by commas, 27,5 is the number 27.5, as programs of many countries write it; the
    cell then reads 27.5. Excel's first line `sep=;` is understood. What was found is said where it is not the usual.

    Args:
        path: the file.
        header: an example of its first line, for messages.

    Returns:
        The cells of the first line, and every row after it that is not empty, otherwise as they are written.

    Raises:
        ValueError: the file is no such text; the message names it.
    """
    try:
        text, skipped, stated = _without_separator_line(_decoded(path.read_bytes()))
        delimiter = stated or _delimiter(text.partition("\n")[0])
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        first = next(reader, [])
        rows = [(reader.line_num + skipped, row) for row in reader if any(cell.strip() for cell in row)]
    except (UnicodeError, csv.Error) as error:
        raise ValueError(
            f"{path}: is no CSV text ({error}): save it as CSV, UTF-8, with the header {header}"
        ) from error
    if delimiter == ",":
        return first, rows
    return first, _with_decimal_points(path, rows, delimiter)


def _decoded(content: bytes) -> str:
    is_utf16 = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    text = content.decode("utf-16" if is_utf16 else "utf-8-sig")
    if "\0" in text:
        raise UnicodeError("it holds zero bytes, as UTF-16 without its mark and files that are no text do")
    return text


def _without_separator_line(text: str) -> tuple[str, int, str | None]:
    """The text behind a line such as `sep=;`, how many lines that were, and what it says."""
    found = SEPARATOR_LINE.match(text)
    return (text[found.end() :], 1, found[1]) if found else (text, 0, None)


def _delimiter(header: str) -> str:
    """The one that stands in the header most often, the comma where none does."""
    return max(DELIMITERS, key=header.count)


def _with_decimal_points(path: Path, rows: list[Row], delimiter: str) -> list[Row]:
    changed = [(line, [DECIMAL_COMMA.sub(r"\1.\2", cell) for cell in row]) for line, row in rows]
    if changed != rows and (both := [cell for _, row in rows for cell in row if DECIMAL_POINT.fullmatch(cell)]):
        raise ValueError(
            f"{path}: some numbers have a comma, and others a point, such as {both[0].strip()!r}: nobody can tell which"
            " of the two begins the decimals; write all alike, without marks between thousands"
        )
    commas = ", and decimal commas taken for points" if changed != rows else ""
    _say_once(f"{path}: columns separated by {DELIMITERS.get(delimiter, repr(delimiter))}{commas}")
    return changed


@lru_cache
def _say_once(message: str) -> None:
    """A table may be read several times."""
    logger.info("%s", message)


def read_cells(path: Path, header: Sequence[str], row: Row, columns: Sequence[int]) -> list[str]:
    """Some columns of a row, without blanks around them; ValueError where the row has fewer or more than the header."""
    line, texts = row
    if max(columns) >= len(texts) or any(text.strip() for text in texts[len(header) :]):
        count, mend = ("fewer", "fill in") if len(texts) < len(header) else ("more", "write 1.5, not 1,5, in")
        named = " and ".join(header[column].strip() for column in columns)
        raise ValueError(
            f"{path}, line {line}: {','.join(texts)!r} has {count} columns than the header: {mend} {named}"
        )
    return [texts[column].strip() for column in columns]


def read_cell_number(path: str | os.PathLike[str], line: int, name: str, text: str) -> float:
    """The number in one cell; ValueError names file, line, column and text where it is none."""
    try:
        number = math.nan if "_" in text else float(text)  # Python reads 1_0 as 10
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
        name, text = read_cells(path, header, (line, row), columns)
        name = composed(name)
        name = name if name in images else from_cell(name)
        if name not in images:
            raise ValueError(
                f"{path}, line {line}: there is no image {name!r}: name an image by its file name without the ending"
                " (.png, ...), or delete this row"
            )
        if name in found:
            raise ValueError(f"{path}, line {line}: {name!r} is on line {lines[name]} already: keep one of the two")
        if (value := read_cell_number(path, line, what, text)) <= 0:
            raise ValueError(
                f"{path}, line {line}: {what} is {text!r}: give a positive number of {what.rpartition('_')[2]}"
            )
        found[name], lines[name] = value, line
    return found


def read_of_all_images(path: Path, column: str, images: Collection[str], what: str) -> dict[str, float]:
    """Read a table with the columns image and `column`, a positive number for every image.

    Args:
        path: the file; more columns are ignored.
        column: name of the numbers' column.
        images: base names of the images that are there.
        what: the number, for the message, such as "its share".

    Returns:
        Base name -> number.

    Raises:
        ValueError: a column is missing; an image does not exist, is listed twice or not at all; a number is none or not
            positive; the message names the file.
    """
    header = f"image,{column}"
    table = read_table(path, header)
    names = [name.strip().lower() for name in table[0]]
    if names.count("image") != 1 or names.count(column) != 1:
        raise ValueError(
            f"{path}, line 1: the header is {','.join(table[0])!r}: it must name one column image and one column"
            f" {column}, separated by commas, as in {header!r}"
        )
    found = read_by_image(path, table, (names.index("image"), names.index(column)), images)
    if missing := [name for name in images if name not in found]:
        raise ValueError(f"{path}: {len(missing)} images are not listed, {', '.join(missing[:5])}: give each {what}")
    return found


def by_image_text(header: str, values: Mapping[str, float]) -> str:
    """A table of one number for each image, as `read_by_image` takes it.

    Args:
        header: such as "image,share".
        values: base name of an image -> its number.
    """
    return csv_text([header.split(","), *((as_cell(name), repr(value)) for name, value in values.items())])
