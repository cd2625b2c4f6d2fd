# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Log lines that no file name can forge (lines after the first indented, controls spelled); warnings overheard."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager

CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")  # of ASCII and Unicode, but for tab and line feed
INDENT = "\n    "


def plain_lines(text: str) -> str:
    """A text as a log or a terminal may show it: every line after the first indented, control characters as escapes."""
    spelled = CONTROL.sub(lambda found: ascii(found[0])[1:-1], text)
    return spelled.replace("\n", INDENT)


@contextmanager
def heard_warnings(name: str = "bundle") -> Iterator[list[str]]:
    """The warnings that this thread logs inside, by this logger and those below it, as they come."""
    heard: list[str] = []
    here = threading.get_ident()

    class Listener(logging.Handler):
        """Keeps messages."""

        def emit(self, record: logging.LogRecord) -> None:
            """Keep one."""
            if record.thread == here:
                heard.append(record.getMessage())

    listener = Listener(logging.WARNING)
    logger = logging.getLogger(name)
    logger.addHandler(listener)
    try:
        yield heard
    finally:
        logger.removeHandler(listener)


class PlainFormatter(logging.Formatter):
    """Formats records so that only a record begins a line at its left end, and tracebacks as they are."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        """The record's line."""
        record.message = plain_lines(record.message)
        return super().formatMessage(record)
