# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Training on the page: one button, how far it is, before and after, and which model is in use."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

from bokeh.models import Column, Div, Select, UIElement

from ..report.pictures import embed
from .buttons import Act, buttons
from .texts import BAD, PLAIN, heading, note, say
from .work.models import Models
from .work.trainer import Comparison, Trainer


class TrainingPanel:
    """A part of the page.

    Args:
        trainer: what it shows.
        models: those to choose from.
        act: does what a button stands for.
        switched: called when another model is in use.
    """

    def __init__(self, trainer: Trainer, models: Models, act: Act, switched: Callable[[], None]) -> None:
        self.trainer, self.models, self._switched = trainer, models, switched
        self._buttons = buttons(act, train="Train on all clicks", stop="Stop")
        self.line = note(name="training")
        self.left_out = note(name="left_out")
        self.model = Select(title="model in use", options=[], sizing_mode="stretch_width", name="model")
        self.model.on_change("value", self._choose)
        self.pictures = Div(disable_math=True, sizing_mode="stretch_width", name="comparison", visible=False)
        self._shown: Comparison | None = None
        self._drawing = False
        self.draw()

    def layout(self) -> UIElement:
        """The part of the page."""
        parts = [heading("Train"), self._buttons, self.line, self.left_out, self.pictures, self.model]
        return Column(*parts, sizing_mode="stretch_width")

    def draw(self) -> None:
        """Show how things are now."""
        say(self.line, self.trainer.said, BAD if self.trainer.trouble else PLAIN)
        say(self.left_out, " ".join(f"{line}." for line in self.trainer.left_out), BAD)
        options = [(str(each.path), each.name) for each in self.models.known()]
        current, before = str(self.models.current()), self.model.value
        self._drawing = True
        try:
            if options != self.model.options:
                self.model.options = options
            if current != before:
                self.model.value = current
        finally:
            self._drawing = False
        if current != before:
            self._switched()
        if (comparison := self.trainer.comparison) is not self._shown:
            self._shown = comparison
            self.pictures.visible = comparison is not None
            self.pictures.text = "" if comparison is None else _side_by_side(comparison)

    def _choose(self, attr: str, old: Any, new: str) -> None:
        if not self._drawing:
            self.models.choose(Path(new))
            self._switched()


def _side_by_side(comparison: Comparison) -> str:
    cells = [
        f'<div style="width:49%;display:inline-block">{title}<br>'
        f'<img style="width:100%" src={quoteattr(embed(figures.picture))}></div>'
        for title, figures in (("before", comparison.before), ("after", comparison.after))
    ]
    return f'<div style="width:100%">{"".join(cells)}</div>'
