# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Clicks of stacks: images here are flat, so marks of several planes are taken together, and that is said."""

from __future__ import annotations

import logging
from collections.abc import Hashable, Iterable
from pathlib import Path

logger = logging.getLogger(__name__)


def warn_of_planes(path: Path, planes: Iterable[Hashable]) -> None:
    """Warn where the points of one file lie in more than one plane (slice, frame or channel)."""
    count = len(set(planes))
    if count > 1:
        logger.warning(
            "%s: its points lie in %d planes of a stack (slices, frames or channels) and are all taken for one flat"
            " image: if it was a stack, export the points of one plane",
            path,
            count,
        )
