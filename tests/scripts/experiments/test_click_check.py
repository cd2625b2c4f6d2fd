# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The table of the check of clicks: a line for each noise, told apart on simulated tissue."""

from __future__ import annotations

from pathlib import Path

import pytest

from bundle.simulation.dataset import write_dataset
from scripts.experiments.click_check import click_check


def test_the_table_tells_exact_clicks_from_rough_ones(tmp_path: Path) -> None:
    data, page = write_dataset(tmp_path / "tissue", images=4, size=(200, 200), seed=3, testing=1), tmp_path / "page.md"
    page.write_text("<!-- table: clicks of tissue -->\n<!-- end of table: clicks of tissue -->\n")
    click_check(str(data), noise="0,3", images=2, draws=2, page=str(page))
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in page.read_text().splitlines()[3:-1]]
    assert [(cells[0], cells[-1]) for cells in lines] == [("0", "0 of 2"), ("3", "2 of 2")]
    assert float(lines[0][1]) > float(lines[1][1]) and float(lines[0][2]) < 0.8 < 1.5 < float(lines[1][2])


def test_what_cannot_be_made_is_said_before_anything_is_moved(tmp_path: Path) -> None:
    data = write_dataset(tmp_path / "tissue", images=2, size=(48, 48), testing=1)
    with pytest.raises(ValueError, match="has no place for the table"):
        (tmp_path / "page.md").write_text("nothing")
        click_check(str(data), page=str(tmp_path / "page.md"))
    with pytest.raises(ValueError, match="cannot be checked: too few"):
        click_check(str(data), images=1, draws=1)
