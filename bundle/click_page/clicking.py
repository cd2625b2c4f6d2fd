# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""What a mouse does on the picture: it becomes one change of the clicks, made and saved by the server.

Each event is told alone, with its place, so nothing depends on what a tab believes the other clicks to be. (Bokeh's
point-drawing tool sends all of its points instead, and takes the wrong ones away where several are chosen: it sorts
their numbers as text. It is used for dragging alone, and of what it sends only moves are taken.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import shapely
from bokeh.events import DoubleTap, PointEvent, Press, SelectionGeometry, Tap
from bokeh.models import Tool

from .clicks.image_clicks import ImageClicks
from .viewer import XY, Viewer

MODES = ("click", "move", "region", "look")
TAPS = (Tap, DoubleTap, Press)  # Bokeh calls the second of two quick clicks a double one, wherever it is


class Clicking:
    """The mouse on one tab's picture.

    Args:
        viewer: where it is.
        changed: called after each change of clicks.
        trouble: called with the message of what could not be done.
    """

    def __init__(self, viewer: Viewer, changed: Callable[[], None], trouble: Callable[[str], None]) -> None:
        self.viewer, self._changed, self._trouble = viewer, changed, trouble
        self.clicks: ImageClicks | None = None
        self.mode, self.chosen, self.chosen_regions = "click", set[int](), set[int]()
        self.offered: Callable[[XY, float], bool] = lambda place, reach: False
        for kind in TAPS:
            viewer.figure.on_event(kind, self._tap)
        viewer.figure.on_event(SelectionGeometry, self._box)
        viewer.points.on_change("data", self._dragged)
        self._drawing = False

    def use(self, mode: str) -> None:
        """Let the mouse do something else: one of `MODES`."""
        self.mode = mode
        self.viewer.figure.toolbar.active_drag = self.drag_tool(mode)
        self.viewer.figure.toolbar.active_tap = None
        self.choose()

    def drag_tool(self, mode: str) -> Tool:
        """What a drag of the mouse belongs to in a mode."""
        tools: dict[str, Tool] = {"move": self.viewer.mover, "region": self.viewer.box}
        return tools.get(mode, self.viewer.pan)

    def choose(self, points: set[int] | None = None, regions: set[int] | None = None) -> None:
        """Choose these and no others."""
        self.chosen, self.chosen_regions = points or set(), regions or set()
        self.draw()

    def draw(self) -> None:
        """Draw clicks and regions as they are."""
        if self.clicks is None:
            return
        self._drawing = True
        try:
            marks = self.clicks.marks
            self.viewer.set_points(marks.points, self.chosen)
            self.viewer.set_regions(marks.regions, self.chosen_regions)
        finally:
            self._drawing = False

    def delete(self) -> None:
        """Take away what is chosen."""
        if self.clicks is None:
            return
        clicks, points, regions = self.clicks, self.chosen, self.chosen_regions
        self.chosen, self.chosen_regions = set(), set()
        if points:
            self._do(lambda: clicks.edit(remove=points))
        if regions:
            self._do(lambda: clicks.remove_regions(regions))

    def undo(self) -> None:
        """Take the last change back."""
        if self.clicks is not None and self.clicks.undo():
            self._changed()

    def redo(self) -> None:
        """Make it again."""
        if self.clicks is not None and self.clicks.redo():
            self._changed()

    def add(self, places: Iterable[XY]) -> None:
        """Add clicks, as one change."""
        if (clicks := self.clicks) is not None:
            self._do(lambda: clicks.edit(add=places))

    def region(self, corner: XY, opposite: XY) -> None:
        """State that everything within a rectangle is clicked."""
        if (clicks := self.clicks) is not None:
            self._do(lambda: clicks.add_region(corner, opposite))

    def _tap(self, event: PointEvent) -> None:
        if self.clicks is None or event.x is None or event.y is None:
            return
        place = (float(event.x), -float(event.y))
        if self.mode == "region":
            self.choose(regions=set(self._regions_at(place)))
            return
        more = bool((getattr(event, "modifiers", None) or {}).get("shift"))
        near = self._nearest(place)
        if near is not None:
            self.choose((self.chosen if more else set()) ^ {near})
        elif self.mode == "click" and not self.offered(place, self.viewer.reach()):
            self.chosen = set()
            self.add([place])
        elif self.mode != "click":
            self.choose()

    def _box(self, event: SelectionGeometry) -> None:
        geometry: dict[str, Any] = event.geometry or {}
        if self.mode == "region" and event.final and geometry.get("type") == "rect":
            self.region((geometry["x0"], -geometry["y0"]), (geometry["x1"], -geometry["y1"]))

    def _dragged(self, attr: str, old: Any, new: Any) -> None:
        if self._drawing or self.clicks is None:
            return
        clicks, points = self.clicks, self.clicks.marks.points
        rows = zip(new["id"], new["x"], new["y"], strict=True)
        places = {int(key): (float(x), -float(y)) for key, x, y in rows if int(key) in points}
        moved = {
            key: place
            for key, place in places.items()
            if np.hypot(points[key].x - place[0], points[key].y - place[1]) > 1e-3
        }
        if self.mode == "move" and moved:
            self._do(lambda: clicks.edit(move=moved))
        self.draw()

    def _nearest(self, place: XY) -> int | None:
        points = self.clicks.marks.points if self.clicks else {}
        if not points:
            return None
        ids = list(points)
        places = np.array([(each.x, each.y) for each in points.values()])
        distances = np.hypot(*(places - place).T)
        best = int(distances.argmin())
        return ids[best] if distances[best] <= self.viewer.reach() else None

    def _regions_at(self, place: XY) -> list[int]:
        regions = self.clicks.marks.regions if self.clicks else {}
        inside = [key for key, region in regions.items() if bool(shapely.intersects_xy(region.area, *place))]
        return inside[-1:]

    def _do(self, change: Callable[[], object]) -> None:
        try:
            change()
        except ValueError as error:
            self._trouble(str(error))
        self._changed()
