# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The clicks of one image while they are made: every change is in the files before the next one can come.

What another program writes into the files meanwhile is noticed, taken in, and never overwritten: a change that is not
saved yet is made again on top of it. When the disk is full, changes wait and the problem is said; nothing is dropped.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping

import shapely
import torch
from transforms.pixel_centres import inside
from transforms.size import Size

from ...annotations.clicks import Outline
from ...annotations.regions import read_regions
from .click_folder import ImagePaths
from .marks import IDS, Change, Marks, numbered
from .points_table import Columns, Point, read_columns_and_points
from .regions_table import rectangle, regions_text
from .watched_file import ChangedOutsideError, WatchedFile

logger = logging.getLogger(__name__)

XY = tuple[float, float]  # px of the image, pixel centres at integers
TRIES = 3  # of saving, while another program keeps changing the files


class ImageClicks:
    """Marks of one image with undo and redo.

    Args:
        paths: the image and its files.
        size: (H, W) of the image, px.

    Raises:
        OSError, ValueError: a file of clicks or regions cannot be read; the message names it and the mend.
    """

    def __init__(self, paths: ImagePaths, size: Size) -> None:
        self.paths, self.size = paths, size
        self.marks, self.problem = Marks(), ""  # the problem of saving, "" where all is saved
        self._columns = Columns()
        self._points, self._regions = WatchedFile(paths.points), WatchedFile(paths.regions)
        self._done: list[Change] = []
        self._undone: list[Change] = []
        self._unsaved: list[Change] = []
        self._load()

    def edit(
        self, add: Iterable[XY] = (), move: Mapping[int, XY] | None = None, remove: Collection[int] = ()
    ) -> Change:
        """Add, move and remove clicks, as one action; ids that are gone are passed over.

        Clicks outside the image, and those on exactly the place of another, are left out.

        Raises:
            ValueError: the files cannot be read any more, so that nothing can be added to them.
        """
        points = self.marks.points
        moved = {
            key: self._columns.point(*place, points[key].cells)
            for key, place in (move or {}).items()
            if key in points and key not in remove and self._is_inside(place)
        }
        taken = {(point.x, point.y) for point in points.values()}
        new: dict[int, Point] = {}
        for place in add:
            point = self._columns.point(*place)
            if self._is_inside(place) and (point.x, point.y) not in taken:
                taken.add((point.x, point.y))
                new[next(IDS)] = point
        before = {key: points[key] for key in (*moved, *remove) if key in points}
        after = {**moved, **new}
        return self._make(Change(before, after, empty_before=self.marks.empty and bool(after)))

    def add_region(self, corner: XY, opposite: XY) -> Change:
        """State that everything within a rectangle is clicked; errors as `rectangle`."""
        region = rectangle(corner, opposite, self.size)
        empty = self.marks.empty
        return self._make(Change(regions_after={next(IDS): region}, empty_before=empty, empty_after=empty))

    def remove_regions(self, ids: Collection[int]) -> Change:
        """Take such statements back."""
        regions, empty = self.marks.regions, self.marks.empty
        before = {key: regions[key] for key in ids if key in regions}
        return self._make(Change(regions_before=before, empty_before=empty, empty_after=empty))

    def state_empty(self, empty: bool = True) -> Change:
        """State that the image holds no nucleus, or take it back.

        Raises:
            ValueError: it has clicks.
        """
        if empty and self.marks.points:
            raise ValueError(f"{self.paths.name} has {len(self.marks.points)} clicks: remove them first")
        return self._make(Change(empty_before=self.marks.empty, empty_after=empty))

    def undo(self) -> bool:
        """Take the last change back; False where there is none."""
        return self._step(self._done, self._undone)

    def redo(self) -> bool:
        """Make the change again that was taken back last; False where there is none."""
        return self._step(self._undone, self._done)

    @property
    def can_undo(self) -> bool:
        """Whether there is a change to take back."""
        return bool(self._done)

    @property
    def can_redo(self) -> bool:
        """Whether there is a change to make again."""
        return bool(self._undone)

    def refresh(self) -> bool:
        """Take in what other programs wrote, and try again to save what could not be saved.

        Returns:
            Whether the marks, or the problem, are others now.
        """
        problem = self.problem
        if self._unsaved:
            self._save()
            return self.problem != problem or not self._unsaved
        if not self._points.changed() and not self._regions.changed():
            return False
        self._take_in()
        return True

    def is_clicked(self, x: float, y: float) -> bool:
        """Whether a place lies where everything counts as clicked."""
        if self.marks.regions:
            return any(bool(shapely.intersects_xy(each.area, x, y)) for each in self.marks.regions.values())
        return bool(self.marks.points) or self.marks.empty

    def _make(self, change: Change) -> Change:
        if self.problem and not self._unsaved:
            raise ValueError(self.problem)  # the files cannot be read
        if not change:
            return change
        self.marks.apply(change)
        self._done.append(change)
        self._undone.clear()
        self._unsaved.append(change)
        self._save()
        return change

    def _step(self, source: list[Change], target: list[Change]) -> bool:
        if not source or (self.problem and not self._unsaved):
            return False
        change = source.pop().inverse()
        self.marks.apply(change)
        target.append(change)
        self._unsaved.append(change)
        self._save()
        return True

    def _save(self) -> None:
        for _ in range(TRIES):
            try:
                self._write()
                self._unsaved.clear()
                self.problem = ""
                return
            except ChangedOutsideError as error:
                logger.warning("%s; its content is kept, and the last change is made on top of it", error)
                if not self._take_in():
                    return
            except OSError as error:
                self.problem = (
                    f"{self.paths.points.parent}: {error.strerror or error}: {len(self._unsaved)} changes are not"
                    " saved yet and are tried again; do not end the program before they are"
                )
                logger.error("%s", self.problem)
                return

    def _write(self) -> None:
        marks = self.marks
        if any(each.concerns_points for each in self._unsaved):
            stated = marks.points or marks.empty
            in_order = [point for _, point in sorted(marks.points.items())]  # what is taken back leaves no trace
            self._points.write(self._columns.text(in_order) if stated else None)
        if any(each.concerns_regions for each in self._unsaved):
            regions = marks.regions.values()
            self._regions.write(regions_text(regions, self.paths.name) if marks.regions else None)

    def _take_in(self) -> bool:
        """Begin anew from the files, with what is not saved on top; False where they cannot be read."""
        try:
            self._load()
        except (OSError, ValueError) as error:
            self.problem = str(error)
            return False
        self.problem = ""
        self._done, self._undone = list(self._unsaved), []
        for change in self._unsaved:
            self.marks.apply(change)
        return True

    def _load(self) -> None:
        table = self._points.read(lambda path: read_columns_and_points(path, self.size))
        regions: list[Outline] = self._regions.read(read_regions) or []
        self._columns, points = table or (Columns(), [])
        self.marks = Marks(
            numbered(points, self.marks.points),
            numbered(regions, self.marks.regions),
            empty=table is not None and not points,
        )

    def _is_inside(self, place: XY) -> bool:
        return bool(inside(torch.tensor([place], dtype=torch.float32), self.size)[0])
