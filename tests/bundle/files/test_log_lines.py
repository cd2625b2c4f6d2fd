# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""No text from outside begins a log line or moves a terminal's cursor."""

from __future__ import annotations

import logging
import sys
import threading

import pytest

from bundle.files.log_lines import PlainFormatter, heard_warnings, plain_lines


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a.tif: 3 objects", "a.tif: 3 objects"),
        ("ä µ 核\t1", "ä µ 核\t1"),
        ("a\nINFO all is well", "a\n    INFO all is well"),
        ("a\rINFO all is well", "a\\rINFO all is well"),
        ("\x1b[2J\x9b1m\x7f\x00", "\\x1b[2J\\x9b1m\\x7f\\x00"),
        ("a\u2028INFO\x85INFO", "a\\u2028INFO\\x85INFO"),
    ],
)
def test_what_is_shown(text: str, shown: str) -> None:
    assert plain_lines(text) == shown


def test_a_record_is_one_line_and_a_traceback_stays_readable() -> None:
    formatter = PlainFormatter("%(levelname)s %(message)s")
    try:
        raise ValueError("cause")
    except ValueError:
        record = logging.LogRecord("n", logging.ERROR, "p", 1, "%s: damaged", ("a\nINFO b.tif",), sys.exc_info())
    lines = formatter.format(record).splitlines()
    assert lines[:3] == ["ERROR a", "    INFO b.tif: damaged", "Traceback (most recent call last):"]
    assert lines[-1] == "ValueError: cause"


def test_warnings_of_this_thread_are_overheard() -> None:
    logger = logging.getLogger("bundle.somewhere")
    with heard_warnings() as heard:
        logger.info("not this")
        logger.warning("%d tiles hold no point", 2)
        other = threading.Thread(target=logger.warning, args=("of another thread",))
        other.start()
        other.join()
    logger.warning("later")
    assert heard == ["2 tiles hold no point"]
