# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Updates and seconds of a stage, whole, cut, resumed, or not there."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from bundle.files.manifest_file import MANIFEST
from bundle.files.stage_progress import read_losses, stage_seconds, updates_done


def write(folder: Path, sessions: list[float | None], **clocks: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MANIFEST).write_text(json.dumps({"sessions": [{"seconds": seconds} for seconds in sessions]}))
    for name, text in clocks.items():
        path = folder / name.replace("own", ".") / "losses.csv"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)


@pytest.mark.parametrize(
    ("sessions", "expected"),
    [
        ([], 0),
        ([12.5], 12.5),  # the whole stage, what is no training included
        ([12.5, 2.0], 14.5),
        ([None], 10.0),  # cut, or still running
        ([None, 2.5], 10.0),  # resumed: the clocks go on
        ([None, 11.0], 11.0),
    ],
)
def test_seconds_of_sessions_and_after_a_cut_of_the_trainings_clocks(
    sessions: list[float | None], expected: float, tmp_path: Path
) -> None:
    write(tmp_path, sessions, own="step,seconds,total\n20,3.0,1\n40,6.0,1\n", warm_start="step,seconds,total\n9,4,1\n")
    assert stage_seconds(tmp_path) == expected


def test_a_stage_without_training_has_its_last_session_alone(tmp_path: Path) -> None:
    write(tmp_path, [None, 3.0])
    assert stage_seconds(tmp_path) == 3.0 and updates_done(tmp_path) == 0


def test_nothing_is_known_of_a_stage_that_has_not_begun(tmp_path: Path) -> None:
    assert stage_seconds(tmp_path / "none") == 0 and updates_done(tmp_path / "none") == 0
    assert read_losses(tmp_path / "none.csv") == {}


@pytest.mark.parametrize("end", ["", "60", "60,9", "60,9,\n", "sixty,nine,\n", "\n"])
def test_a_line_that_was_cut_short_does_not_harm(end: str, tmp_path: Path) -> None:
    write(tmp_path, [None], own="step,seconds,total\n20,3.0,nan\n40,6.0,1\n" + end)
    assert updates_done(tmp_path) == (60 if end.startswith("60,9,") else 40)
    assert stage_seconds(tmp_path) == (9.0 if end.startswith("60,9,") else 6.0)
    np.testing.assert_array_equal(read_losses(tmp_path / "losses.csv")["total"][:2], [np.nan, 1])


def test_a_table_of_rubbish_tells_nothing(tmp_path: Path) -> None:
    write(tmp_path, [None], own="step,seconds,total\na,b,c\n")
    assert updates_done(tmp_path) == 0 and stage_seconds(tmp_path) == 0
