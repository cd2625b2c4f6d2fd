# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Which image to look at next: those where the model is least sure, or where clicks and its objects disagree, first.

The page's list of images and the MONAI Label app's strategy both ask here.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import shapely

from ...annotations.clicks import Outline
from ...annotations.formats.xy_table import read_plain
from ...annotations.regions import read_regions
from ...label_server.query import Query
from ...slides.listing import is_slide
from ..clicks.points_table import Columns, Point
from .agreement import compare_with_clicks
from .findings import Findings, Found

logger = logging.getLogger(__name__)

KEPT = 4096  # doubts that stay in memory


@dataclass(frozen=True)
class Looked:
    """What people said of one image.

    Attributes:
        points: its clicks by id.
        regions: where everything is clicked; none: everywhere, if there are clicks or it is empty.
        empty: stated to hold no nucleus.
    """

    points: Mapping[int, Point]
    regions: tuple[Outline, ...] = ()
    empty: bool = False

    @classmethod
    def of_files(cls, points: Path, regions: Path) -> Looked:
        """As the files of a data folder say it, which need not be there; errors as `read_plain` and `read_regions`."""
        places = read_plain(points)[0].points.tolist() if points.is_file() else []
        clicks = {number: Columns().point(*place) for number, place in enumerate(places)}
        areas = tuple(read_regions(regions)) if regions.is_file() else ()
        return cls(clicks, areas, points.is_file() and not places)

    def is_clicked(self, x: float, y: float) -> bool:
        """Whether a place lies where an object without a click is a mistake."""
        if self.regions:
            return any(bool(shapely.intersects_xy(region.area, x, y)) for region in self.regions)
        return bool(self.points) or self.empty


UNSEEN = Looked({})


def doubt(found: Found, looked: Looked = UNSEEN) -> float | None:
    """How much a look at an image would tell, from 0, nothing, to 1; mean over its objects and the clicks without one.

    A click without an object, an object with several clicks, and one without a click where everything is clicked
    count 1: the model is wrong, or a click is. Every other object counts what its mean foreground probability lacks
    to 1. None: nothing was found, and nobody said that this is right; `settled` tells what that is worth.
    """
    agreement = compare_with_clicks(found, looked.points)
    each = 1 - np.nan_to_num(found.confidence, nan=0.0)
    each[list(agreement.crowded)] = 1
    missed = [index for index in agreement.unclicked if looked.is_clicked(*found.centres[index].tolist())]
    each[missed] = 1
    every = [*each.tolist(), *[1.0] * len(agreement.lonely)]
    if every:
        return float(np.mean(every))
    return 0.0 if looked.empty or looked.regions else None


def settled(values: Mapping[str, float | None]) -> dict[str, float]:
    """The doubts of the images of one set; None, where nothing was found, becomes a number.

    It is the share of the images in which something was found: among full ones, an image in which the model sees
    nothing is most likely one that it cannot see into, faint or out of focus; among empty ones it is one more of them.
    Where nothing was found in any, the model sees nothing at all, and the doubt is 1.
    """
    full = sum(value is not None for value in values.values())
    share = full / len(values) if full else 1.0
    return {name: share if value is None else value for name, value in values.items()}


@dataclass(frozen=True)
class Candidate:
    """An image to choose from."""

    name: str
    path: Path
    looked: Looked = UNSEEN


class Doubts:
    """Doubts of images, kept until image, clicks or model change; not to be called from two threads at once.

    Args:
        findings: what models found, shared with whoever shows it.
    """

    def __init__(self, findings: Findings | None = None) -> None:
        self._findings = findings or Findings()
        self._kept: dict[tuple[object, ...], float | None] = {}

    def of(self, candidate: Candidate, query: Query) -> float | None:
        """The doubt of an image as `doubt` gives it.

        Raises:
            OSError, ValueError: image or model cannot be read or do not fit.
        """
        key, looked = _key(candidate, query), candidate.looked
        if key not in self._kept:
            self._kept[key] = doubt(self._findings.find(candidate.path, query), looked)
            while len(self._kept) > KEPT:
                self._kept.pop(next(iter(self._kept)))
        return self._kept[key]

    def looked_through(self, candidates: Iterable[Candidate], query: Query) -> dict[str, float | None]:
        """Doubts by name; slides, which are not looked through, and what cannot be read, with a word, are left out."""
        found: dict[str, float | None] = {}
        for candidate in candidates:
            try:
                if not is_slide(candidate.path):
                    found[candidate.name] = self.of(candidate, query)
            except (OSError, ValueError) as error:
                logger.warning("%s", error)
        return found

    def ranked(self, candidates: Iterable[Candidate], query: Query) -> list[tuple[str, float]]:
        """Names and doubts, the largest first, of those that `looked_through` gives."""
        found = settled(self.looked_through(candidates, query))
        return sorted(found.items(), key=lambda each: (-each[1], each[0]))

    def most_doubtful(self, candidates: Sequence[Candidate], query: Query, most: int = 16) -> str | None:
        """The image of largest doubt, of those that are known and a few more that are looked through now.

        Args:
            candidates: to choose from.
            query: the model.
            most: images that are looked through in one call; they lie evenly among those not known yet.

        Returns:
            Its name; where nothing can be looked through, such as slides, the first; None where there is none.
        """
        known = [each for each in candidates if each.path.is_file() and _key(each, query) in self._kept]
        others = [each for each in candidates if each not in known]
        step = max(len(others) // most, 1)
        ranked = self.ranked([*known, *others[::step][:most]], query)
        first = candidates[0].name if candidates else None
        return ranked[0][0] if ranked else first


def _key(candidate: Candidate, query: Query) -> tuple[object, ...]:
    looked = candidate.looked
    said = tuple((point.x, point.y) for point in looked.points.values()), looked.regions, looked.empty
    return candidate.path, candidate.path.stat().st_mtime_ns, query, query.identity, said
