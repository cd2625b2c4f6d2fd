# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The growing table: what a resumed and a fresh run keep of an earlier one. `LossTable` is tested with it."""

from __future__ import annotations

import pytest

from bundle.engines.step_table import StepTable


@pytest.fixture
def table(tmp_path):
    """A table of updates 10, 20, 30, its last row cut in the middle."""
    table = StepTable(tmp_path / "new" / "table.csv")
    for step in (10, 20, 30):
        table.write({"step": step, "value": step / 2}, first=1)
    table.close()
    table.path.write_text(table.path.read_text() + "40")
    return table


def write(table, step, first):
    table.write({"step": step, "value": 7}, first)
    table.close()
    return table.path.read_text().split()


def test_rows_from_the_first_new_update_on_are_dropped(table):
    assert write(table, 25, first=21) == ["step,value", "10,5.0", "20,10.0", "25,7"]


def test_a_row_that_was_cut_is_dropped(table):
    assert write(table, 50, first=41) == ["step,value", "10,5.0", "20,10.0", "30,15.0", "50,7"]


def test_a_run_from_the_start_forgets_all(table):
    assert write(table, 5, first=1) == ["step,value", "5,7"]


def test_a_table_with_other_columns_is_begun_anew(table):
    table.write({"step": 50, "other": 1}, first=41)
    table.close()
    assert table.path.read_text().split() == ["step,other", "50,1"]


def test_rows_are_there_before_the_table_is_closed(tmp_path):
    table = StepTable(tmp_path / "table.csv")
    table.write({"step": 1, "value": 2}, first=1)
    assert table.path.read_text().split() == ["step,value", "1,2"]
    table.close()
    table.close()
