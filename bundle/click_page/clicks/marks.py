# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""What is marked in one image, and single changes of it that can be taken back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import TypeVar

from ...annotations.clicks import Outline
from .points_table import Point

T = TypeVar("T", Point, Outline)
IDS = count(1)  # of marks, never given twice while the program runs


@dataclass(frozen=True)
class Change:
    """What one action did to the marks of an image: by id, what was there before it and what is there after it."""

    points_before: Mapping[int, Point] = field(default_factory=dict)
    points_after: Mapping[int, Point] = field(default_factory=dict)
    regions_before: Mapping[int, Outline] = field(default_factory=dict)
    regions_after: Mapping[int, Outline] = field(default_factory=dict)
    empty_before: bool = False
    empty_after: bool = False

    def __bool__(self) -> bool:
        return self.concerns_points or self.concerns_regions

    @property
    def concerns_points(self) -> bool:
        """Whether the points file has another content after it."""
        return self.points_before != self.points_after or self.empty_before != self.empty_after

    @property
    def concerns_regions(self) -> bool:
        """Whether the file of regions has another content after it."""
        return self.regions_before != self.regions_after

    def inverse(self) -> Change:
        """The change that takes this one back."""
        return Change(
            self.points_after,
            self.points_before,
            self.regions_after,
            self.regions_before,
            self.empty_after,
            self.empty_before,
        )


@dataclass
class Marks:
    """The clicks and regions of one image, by ids that mean the same mark as long as it is there.

    Attributes:
        points: clicks, in the order of their file.
        regions: areas in which everything is clicked, px of the image.
        empty: it was stated that the image holds no nucleus.
    """

    points: dict[int, Point] = field(default_factory=dict)
    regions: dict[int, Outline] = field(default_factory=dict)
    empty: bool = False

    def apply(self, change: Change) -> None:
        """Make a change; of marks that are gone meanwhile only what is new comes."""
        _exchange(self.points, change.points_before, change.points_after)
        _exchange(self.regions, change.regions_before, change.regions_after)
        self.empty = change.empty_after and not self.points


def _exchange(marks: dict[int, T], before: Mapping[int, T], after: Mapping[int, T]) -> None:
    for identity in before:
        if identity not in after:
            marks.pop(identity, None)
    for identity, mark in after.items():
        if identity in marks or identity not in before:
            marks[identity] = mark


def numbered(found: Iterable[T], known: Mapping[int, T]) -> dict[int, T]:
    """Marks that were read, each with the id that an equal one has already, otherwise with a new one."""
    ids: dict[T, list[int]] = {}
    for identity, mark in reversed(list(known.items())):
        ids.setdefault(mark, []).append(identity)
    return {(ids[mark].pop() if ids.get(mark) else next(IDS)): mark for mark in found}
