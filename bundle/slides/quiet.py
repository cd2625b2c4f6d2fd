# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Libraries that log what comes back as an error anyway, or every step that they take."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator


@contextlib.contextmanager
def silent(name: str) -> Iterator[None]:
    """Nothing of a logger inside."""
    chatty = logging.getLogger(name)
    before = chatty.level
    chatty.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        chatty.setLevel(before)
