# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Loggers are silent inside and as before afterwards, also after an error."""

from __future__ import annotations

import logging

import pytest

from bundle.files.quiet import silent


def test_silent_inside_alone(caplog):
    one, two = logging.getLogger("tests.one"), logging.getLogger("tests.two")
    two.setLevel(logging.INFO)
    with pytest.raises(ValueError), silent("tests.one", "tests.two"):
        one.error("a")
        two.error("b")
        raise ValueError
    assert not caplog.records and (one.level, two.level) == (logging.NOTSET, logging.INFO)
    two.info("c")
    assert caplog.messages == ["c"]
