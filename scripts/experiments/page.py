# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Tables of experiments in the pages of docs/, written between two marks by the command that makes them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from bundle.files.atomic import write_text


def markdown_table(header: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """Cells as a table in Markdown, each line ended."""
    return "".join("| " + " | ".join(cells) + " |\n" for cells in (header, ["---"] * len(header), *lines))


def marks(name: str) -> tuple[str, str]:
    """The lines before and after the table of an experiment."""
    return f"<!-- table: {name} -->", f"<!-- end of table: {name} -->"


def around(page: str, name: str) -> tuple[str, str]:
    """What stands before and after the place of a table in a Markdown page, the marks included.

    Args:
        page: path of the page; "": none, and nothing around.
        name: of the experiment, as the marks have it.

    Raises:
        FileNotFoundError: there is no such page.
        ValueError: it does not have both marks, in order.
    """
    if not page:
        return "", ""
    first, last = marks(name)
    before, begin, rest = Path(page).read_text(encoding="utf-8").partition(first)
    _, end, after = rest.partition(last)
    if not begin or not end:
        raise ValueError(f"{page}: has no place for the table: put the lines {first} and {last} where it is to stand")
    return before + begin, end + after


def enter(page: str, name: str, table: str) -> None:
    """Put a table, lines of Markdown, into a page in place of the one that it has; page and errors as `around`."""
    before, after = around(page, name)
    if page:
        write_text(Path(page), f"{before}\n{table}{after}")
