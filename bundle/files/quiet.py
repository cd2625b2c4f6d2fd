# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Libraries that log what comes back as an error anyway, or every step that they take."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator


@contextlib.contextmanager
def silent(*names: str) -> Iterator[None]:
    """Nothing of these loggers inside, but what is critical."""
    loggers = [logging.getLogger(name) for name in names]
    before = [chatty.level for chatty in loggers]
    for chatty in loggers:
        chatty.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for chatty, level in zip(loggers, before, strict=True):
            chatty.setLevel(level)
