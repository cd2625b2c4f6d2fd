# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The benchmark of freed memory times every way in processes of its own, and leaves the environment as it was."""

from __future__ import annotations

import os

import pytest

from scripts.benchmarks.memory import VARIABLE, WAYS, memory


@pytest.mark.slow
def test_every_way_is_timed(monkeypatch, caplog):
    monkeypatch.setenv(VARIABLE, "12345")
    caplog.set_level("INFO")
    memory(windows=1, updates=1, rounds=1)
    assert [way for way in WAYS if f"freed memory {way}: " in caplog.text] == list(WAYS)
    assert os.environ[VARIABLE] == "12345"
