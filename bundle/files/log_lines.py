# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Log lines that no file name can forge: lines after a message's first are indented, control characters spelled."""

from __future__ import annotations

import logging
import re

CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")  # of ASCII and Unicode, but for tab and line feed
INDENT = "\n    "


def plain_lines(text: str) -> str:
    """A text as a log or a terminal may show it: every line after the first indented, control characters as escapes."""
    spelled = CONTROL.sub(lambda found: ascii(found[0])[1:-1], text)
    return spelled.replace("\n", INDENT)


class PlainFormatter(logging.Formatter):
    """Formats records so that only a record begins a line at its left end, and tracebacks as they are."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        """The record's line."""
        record.message = plain_lines(record.message)
        return super().formatMessage(record)
