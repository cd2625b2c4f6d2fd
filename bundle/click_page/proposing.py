# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Proposals on one tab: what the model finds is shown, taken over by a click or all at once, or waved off."""

from __future__ import annotations

import logging
from collections.abc import Callable

import numpy as np
from bokeh.document import Document

from ..slides.grid import Box
from .app import ClickApp
from .clicking import Clicking
from .clicks.image_clicks import ImageClicks
from .viewer import XY, Viewer
from .work.agreement import Agreement, compare_with_clicks, worth_a_look
from .work.findings import Found

logger = logging.getLogger(__name__)

AROUND_UM, AROUND_PX = 60.0, 250.0  # across the page when one place is shown


class Proposing:
    """The model's objects in the picture of a tab.

    Args:
        app: shared by all tabs.
        doc: of the tab.
        mouse: its clicks.
        told: called with what happened, and whether that is trouble.
    """

    def __init__(self, app: ClickApp, doc: Document, mouse: Clicking, told: Callable[[str, bool], None]) -> None:
        self.app, self.doc, self.mouse, self._told = app, doc, mouse, told
        self.found: Found | None = None
        self.shown, self.working = False, False
        self._waved: set[XY] = set()
        self._agreement = Agreement((), (), ())
        self._visited = 0
        mouse.offered = self.take_near

    @property
    def viewer(self) -> Viewer:
        """Where they are shown."""
        return self.mouse.viewer

    def forget(self) -> None:
        """Another image, or another model: what was found does not count any more."""
        self.found, self.shown, self._visited = None, False, 0
        self._waved.clear()
        self.draw()

    def look(self, then: Callable[[], None] | None = None) -> None:
        """Let the current model look through the image, or what is in view of a slide, and show what it finds."""
        clicks = self.mouse.clicks
        if clicks is None or self.working:
            return
        self.working = True
        self._told("the model is looking ...", False)
        path, box, query = clicks.paths.image, self._view(clicks), self.app.models.query()
        work = self.app.thinking.submit(self.app.findings.find, path, query, box)
        work.add_done_callback(lambda done: self.doc.add_next_tick_callback(lambda: self._arrived(done, clicks, then)))

    def draw(self) -> None:
        """Show proposals and outlines as the clicks are now."""
        clicks, found = self.mouse.clicks, self.found
        if clicks is None or found is None:
            self.viewer.set_objects(())
            self.viewer.set_proposals(np.zeros((0, 2)), ())
            return
        self._agreement = compare_with_clicks(found, clicks.marks.points)
        offered = self._offered() if self.shown else []
        self.viewer.set_proposals(found.centres[offered], offered)

    def summary(self) -> str:
        """What there is to do, in a line."""
        found = self.found
        if found is None:
            return ""
        agreement, sure = self._agreement, 1 - found.doubt()
        return (
            f"{len(found.objects)} objects, of which {len(agreement.unclicked)} have no click; {len(agreement.lonely)}"
            f" clicks have no object, {len(agreement.crowded)} objects have several; mean confidence {sure:.2f}"
        )

    def take_near(self, place: XY, reach: float) -> bool:
        """Take over the proposal at a place; False where there is none."""
        clicks, found = self.mouse.clicks, self.found
        if clicks is None or found is None or not self.shown:
            return False
        offered = self._offered()
        distances = np.hypot(*(found.centres[offered] - place).T)
        if not len(offered) or distances.min() > reach:
            return False
        x, y = found.centres[offered[int(distances.argmin())]].tolist()
        self.mouse.add([(x, y)])
        return True

    def take_all(self) -> None:
        """Take over the proposals in view, as one change."""
        if self.found is not None and self.shown:
            self.mouse.add([(x, y) for x, y in self.found.centres[self._in_view()].tolist()])

    def wave_off(self) -> None:
        """Do not show the proposals in view any more; nothing is written."""
        if self.found is not None:
            self._waved |= {(x, y) for x, y in self.found.centres[self._in_view()].tolist()}
            self.draw()

    def next_place(self) -> None:
        """Show the next place of the image that is worth a look."""
        clicks, found = self.mouse.clicks, self.found
        if clicks is None or found is None:
            self.look(self.next_place)
            return
        places = worth_a_look(found, clicks.marks.points, self._agreement)
        if not places:
            self._told("clicks and objects agree here, and the model is sure", False)
            return
        place = places[self._visited % len(places)]
        self._visited += 1
        self.viewer.look_at((place.x, place.y), AROUND_UM / found.mpp if found.mpp else AROUND_PX)
        self._told(f"{(self._visited - 1) % len(places) + 1} of {len(places)}: {place.why}", False)

    def _arrived(self, done: object, clicks: ImageClicks, then: Callable[[], None] | None) -> None:
        self.working = False
        try:
            found: Found = done.result()  # type: ignore[attr-defined]
        except Exception as error:  # whatever a network does with a strange image is said on the page
            logger.warning("%s", error)
            self._told(str(error), True)
            return
        if clicks is not self.mouse.clicks:
            return
        self.found, self.shown, self._visited = found, True, 0
        self.viewer.set_objects(found.objects)
        self.draw()
        self._told(self.summary(), False)
        if then is not None:
            then()

    def _offered(self) -> list[int]:
        """Indices of the objects that are proposals."""
        found = self.found
        if found is None:
            return []
        return [index for index in self._agreement.unclicked if tuple(found.centres[index].tolist()) not in self._waved]

    def _in_view(self) -> list[int]:
        found = self.found
        if found is None:
            return []
        left, top, right, bottom = self.viewer.view()
        return [
            index
            for index in self._offered()
            if left <= found.centres[index, 0] <= right and top <= found.centres[index, 1] <= bottom
        ]

    def _view(self, clicks: ImageClicks) -> Box:
        left, top, right, bottom = (round(edge) for edge in self.viewer.view())
        return Box(left, top, right + 1, bottom + 1).within(Box.of(clicks.size))
