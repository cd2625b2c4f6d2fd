# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""How far a run is, where there is no terminal: a line a minute, with the time that this session will still take."""

from __future__ import annotations

import pytest

from bundle.slide_segmentation import progress
from bundle.slide_segmentation.progress import ProgressLines, progress_of


@pytest.fixture
def clock(monkeypatch):
    """Seconds, to be set."""
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def test_a_line_a_minute_says_what_is_left_at_the_speed_of_this_session(clock, caplog):
    caplog.set_level("INFO")
    with progress_of(1000, 400) as lines:
        assert isinstance(lines, ProgressLines)
        for seconds, windows in ((130.0, 20), (160.0, 20), (190.0, 20), (221.0, 20)):
            clock[0] = seconds
            lines.update(windows)
    said = [record.getMessage() for record in caplog.records]
    assert said == ["44 % of the windows are done, 0:14:00 left", "48 % of the windows are done, 0:13:06 left"]


def test_nothing_is_said_before_anything_is_known_or_when_all_is_done(clock, caplog):
    caplog.set_level("INFO")
    lines = ProgressLines(10, 5)
    clock[0] = 500.0
    lines.update(0)
    lines.update(5)
    assert not caplog.records
