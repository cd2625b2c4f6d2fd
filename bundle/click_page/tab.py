# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""One tab of a browser: the picture, the list of images, and buttons for all that can be done."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from bokeh.document import Document
from bokeh.models import Column, RadioButtonGroup, Row, UIElement

from .app import ClickApp
from .buttons import buttons
from .clicking import MODES, Clicking
from .clicks.image_clicks import ImageClicks
from .image_list import ImageList
from .keyboard import listen, switch_drags
from .look_panel import LookPanel
from .proposing import Proposing
from .results_panel import ResultsPanel
from .texts import BAD, GOOD, PLAIN, heading, note, say
from .tile_handler import tile_address
from .training_panel import TrainingPanel
from .viewer import Viewer

logger = logging.getLogger(__name__)

LABELS = ("Click", "Move", "Region", "Look")  # of the modes, in their order
HELP = (
    "Click: add, or choose a point, or take over a proposal (a diamond). Delete: take away what is chosen. Ctrl+Z,"
    " Ctrl+Y: undo, redo. Wheel, + and -: zoom. Drag: pan. 1 to 4: what the mouse does. P: propose. A: take all in"
    " view. N: next place. D: next image in doubt. O: outlines. Arrows: next image."
)
CLOSER = 0.7
SIDE = 330  # px


class Tab:
    """What one tab shows.

    Args:
        app: shared by all tabs.
        doc: of this tab.
    """

    def __init__(self, app: ClickApp, doc: Document) -> None:
        self.app, self.doc = app, doc
        self.name: str | None = None
        self.viewer = Viewer()
        self.clicking = Clicking(self.viewer, self._changed, self._trouble)
        self.images = ImageList(self.open)
        self.look = LookPanel(self._restyle)
        self.status, self.hint, self.finds = note(name="status"), note(name="trouble"), note(name="finds")
        self.ranked = note(name="ranked")
        self.modes = RadioButtonGroup(labels=list(LABELS), active=0, sizing_mode="stretch_width", name="modes")
        self.modes.on_change("active", lambda name, old, new: self.clicking.use(MODES[new]))
        self.proposing = Proposing(app, doc, self.clicking, self._told)
        self.training = TrainingPanel(app.trainer, app.models, self.act, self._other_model)
        self.results = ResultsPanel(app.exporter, self.act)
        self.actions: dict[str, Callable[[], None]] = self._own_actions()
        listen(self.viewer.figure, self.act, self.modes, MODES)
        switch_drags(self.modes, self.viewer.figure.toolbar, [self.clicking.drag_tool(mode) for mode in MODES])
        leave = app.session.follow(self._followed)
        doc.on_session_destroyed(lambda context: leave())
        doc.title = "Click the nuclei"
        doc.add_root(Row(self._side(), self.viewer.figure, sizing_mode="stretch_both"))
        doc.add_periodic_callback(self._every_second, 1000)
        self._draw_list()
        self._open_first()

    def act(self, action: str) -> None:
        """Do what a key or a button stands for; an unknown action is nothing."""
        if work := self.actions.get(action):
            work()

    def open(self, name: str) -> None:
        """Show another image; where it cannot be read, the page says why and stays."""
        try:
            clicks = self.app.session.clicks(name)
            key = self.app.tiles.key(clicks.paths.image)
            mpp = self.app.spacing(clicks.paths.image)
        except (OSError, ValueError) as error:
            logger.warning("%s", error)
            self._trouble(str(error))
            self._draw_list()
            return
        self.name, self.key = name, key
        self.clicking.clicks = clicks
        self.viewer.show(tile_address(key, self.look.look()), clicks.size, mpp)
        self._trouble("")
        self.proposing.forget()
        self.results.show(None)
        say(self.finds, "")
        self.clicking.choose()
        self._changed()

    def _side(self) -> UIElement:
        doubts = buttons(self.act, rank="Rank by doubt", next_in_doubt="Next in doubt")
        rows = [heading("Images"), self.images.list, doubts, self.ranked, self.status, self.hint, *self._buttons()]
        rows += [self.training.layout(), self.results.layout(), heading("Look"), self.look.layout(), note(HELP)]
        side = Column(*rows, width=SIDE, sizing_mode="stretch_height", name="side")
        side.styles = {"overflow-y": "auto", "overflow-x": "hidden"}
        return side

    def _buttons(self) -> Sequence[UIElement]:
        act = self.act
        return (
            heading("Mouse"),
            self.modes,
            buttons(act, undo="Undo", redo="Redo", delete="Delete"),
            buttons(act, region_of_view="All in view is clicked", empty="None in image"),
            buttons(act, whole="Whole image", closer="+", further="-"),
            heading("What the model finds"),
            buttons(act, propose="Propose", next_place="Next place", outlines="Outlines"),
            buttons(act, take_all="Take all in view", wave_off="Hide all in view"),
            self.finds,
        )

    def _own_actions(self) -> dict[str, Callable[[], None]]:
        view, mouse = self.viewer, self.clicking
        modes = {mode: lambda index=index: self.modes.update(active=index) for index, mode in enumerate(MODES)}
        return {
            **modes,
            "undo": mouse.undo,
            "redo": mouse.redo,
            "delete": mouse.delete,
            "none": mouse.choose,
            "region of view": self._region_of_view,
            "empty": self._state_empty,
            "whole": view.whole,
            "closer": lambda: view.zoom(CLOSER),
            "further": lambda: view.zoom(1 / CLOSER),
            "propose": self.proposing.look,
            "next place": self.proposing.next_place,
            "take all": self.proposing.take_all,
            "wave off": self.proposing.wave_off,
            "outlines": self._switch_outlines,
            "train": lambda: self._try(self.app.train),
            "stop": self.app.trainer.stop,
            "segment all": lambda: self._try(self._segment_all),
            "stop segmenting": self.app.exporter.stop,
            "rank": lambda: self._try(self.app.ranking.begin),
            "next in doubt": self._next_in_doubt,
            "next image": lambda: self._beside(1),
            "image before": lambda: self._beside(-1),
        }

    def _open_first(self) -> None:
        for name in self.images.names:
            self.open(name)
            if self.name is not None:
                return

    def _beside(self, step: int) -> None:
        if (name := self.images.beside(self.name, step)) is not None:
            self.open(name)

    def _next_in_doubt(self) -> None:
        ranking = self.app.ranking
        if (name := ranking.next_after(self.name)) is not None:
            self.open(name)
            self.proposing.look(self.proposing.next_place)
        elif not ranking.busy:
            self._try(ranking.begin)

    def _region_of_view(self) -> None:
        left, top, right, bottom = self.viewer.view()
        self.clicking.region((left, top), (right, bottom))

    def _state_empty(self) -> None:
        if (clicks := self.clicking.clicks) is None:
            return
        try:
            clicks.state_empty(not clicks.marks.empty)
        except ValueError as error:
            self._trouble(str(error))
        self._changed()

    def _segment_all(self) -> None:
        self.app.exporter.begin(self.app.models.query(), self.results.formats.value)

    def _try(self, work: Callable[[], None]) -> None:
        self._trouble("")
        try:
            work()
        except (OSError, ValueError) as error:
            self._trouble(str(error))
        self._every_second()

    def _other_model(self) -> None:
        if hasattr(self, "results"):
            self.app.ranking.forget()
            self.proposing.forget()
            self.results.show(None)
            say(self.finds, "")

    def _every_second(self) -> None:
        self._draw_list()
        self._draw_status()
        say(self.ranked, self.app.ranking.said)
        self.training.draw()
        self.results.draw()

    def _switch_outlines(self) -> None:
        self.viewer.outlines.visible = not self.viewer.outlines.visible

    def _told(self, text: str, trouble: bool) -> None:
        self.results.show(self.proposing.found)
        say(self.finds, text, BAD if trouble else PLAIN)

    def _restyle(self) -> None:
        if self.name is not None:
            self.viewer.restyle(tile_address(self.key, self.look.look()))

    def _changed(self) -> None:
        """After a change of this tab: draw, and let the others draw."""
        self._draw()
        if self.name is not None:
            self.app.session.tell(self.name, self._followed)

    def _followed(self, name: str) -> None:
        if name == self.name:
            self.doc.add_next_tick_callback(self._draw)

    def _draw(self) -> None:
        self.clicking.draw()
        self.proposing.draw()
        if self.proposing.found is not None and self.proposing.shown:
            say(self.finds, self.proposing.summary())
        self._draw_status()
        self._draw_list()

    def _draw_status(self) -> None:
        clicks = self.clicking.clicks
        if clicks is None:
            say(self.status, "no image can be shown", BAD)
        elif clicks.problem:
            say(self.status, clicks.problem, BAD)
        else:
            small = self.app.too_small(clicks)
            said = f"{self.name}: {_summary(clicks)}; {small and f'{small}; '}all saved"
            say(self.status, said, BAD if small else GOOD)

    def _draw_list(self) -> None:
        self.images.draw(self.app.session.states(), self.name, self.app.ranking.words())

    def _trouble(self, text: str) -> None:
        say(self.hint, text, BAD)


def _summary(clicks: ImageClicks) -> str:
    marks = clicks.marks
    if marks.empty:
        return "stated to hold no nucleus"
    if not marks.points and not marks.regions:
        return "not clicked yet"
    where = (
        f"in {len(marks.regions)} regions, of which everything counts as clicked"
        if marks.regions
        else ("and the whole image counts as clicked; mark a region where only a part is")
    )
    return f"{len(marks.points)} clicks {where}"
