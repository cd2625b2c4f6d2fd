# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Which marks become points: some classes or all, and outlines only where it is asked for."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

from .clicks import Clicks, count_classes, of_classes, with_middles

logger = logging.getLogger(__name__)

IGNORED = "*"  # ends the names of QuPath's classes that are no cells: Region*, Ignore*


@dataclass(frozen=True)
class Choice:
    """Marks -> points.

    Attributes:
        classes: only marks of these classes; empty: all.
        centroids: whether the middles of outlines become points, too.
    """

    classes: tuple[str, ...] = ()
    centroids: bool = False

    def check(self, found: Sequence[Clicks]) -> None:
        """ValueError where a class is in none of the files, which names those that are there."""
        there = [name for clicks in found for name in (*clicks.names, *(each.name for each in clicks.outlines))]
        missing = [name for name in self.classes if name not in there]
        if missing:
            raise ValueError(f"no mark has the class {', '.join(missing)}; the files hold {count_classes(there)}")

    def __call__(self, clicks: Clicks) -> Clicks:
        """The chosen points; no outline is left.

        Without classes, outlines whose class ends in "*" are never taken for cells.

        Raises:
            ValueError: there are outlines where points are expected, and no points.
        """
        chosen = of_classes(clicks, self.classes) if self.classes else _without_ignored(clicks)
        if self.centroids:
            return with_middles(chosen)
        if chosen.outlines:
            self._complain(chosen)
        return replace(chosen, outlines=())

    def _complain(self, clicks: Clicks) -> None:
        counts = count_classes(each.name for each in clicks.outlines)
        text = f"{clicks.path}: {len(clicks.outlines)} marks are outlines, not points ({counts})"
        offer = "--centroids takes the middle of each as its point"
        if not len(clicks.points):
            raise ValueError(f"{text}, and there are no points: {offer}")
        logger.warning("%s, and are left out beside %d points: %s", text, len(clicks.points), offer)


def _without_ignored(clicks: Clicks) -> Clicks:
    return replace(clicks, outlines=tuple(each for each in clicks.outlines if not (each.name or "").endswith(IGNORED)))


def parse_classes(text: str | None) -> tuple[str, ...]:
    """Names separated by commas; ValueError where one is empty."""
    if text is None:
        return ()
    names = tuple(name.strip() for name in text.split(","))
    if not all(names):
        raise ValueError(f"classes is {text!r}: give names separated by commas; leave it out to take all marks")
    return names
