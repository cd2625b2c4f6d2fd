# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The list of images on the page, with what is clicked in each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from bokeh.models import MultiSelect

from .clicks.session import ImageState

ROWS = 9


def describe(state: ImageState) -> str:
    """What is clicked in an image, in a few words."""
    if state.problem:
        return "cannot be used"
    if state.empty:
        return "none in it"
    clicks = f"{state.points} clicked" if state.points else "not clicked"
    return f"{clicks}, {state.regions} regions" if state.regions else clicks


class ImageList:
    """A list of images of which one is open.

    Args:
        opened: called with the name of an image that the user chooses.
    """

    def __init__(self, opened: Callable[[str], None]) -> None:
        self._opened, self._drawing = opened, False
        self.names: list[str] = []
        self.list = MultiSelect(options=[], size=ROWS, sizing_mode="stretch_width", name="images")
        self.list.on_change("value", self._chosen)

    def draw(self, states: Sequence[ImageState], current: str | None, doubts: Mapping[str, str]) -> None:
        """Show what is clicked now, and what is known of the doubt of images."""
        known = {name: f", {words}" for name, words in doubts.items()}
        options = [(state.name, f"{state.name}: {describe(state)}{known.get(state.name, '')}") for state in states]
        self.names = [state.name for state in states]
        self._drawing = True
        try:
            if options != self.list.options:
                self.list.options = options
            self.list.value = [current] if current in self.names else []
        finally:
            self._drawing = False

    def beside(self, current: str | None, step: int) -> str | None:
        """The name so many places after the current one; None where there is none."""
        place = self.names.index(current) + step if current in self.names else 0
        return self.names[place] if 0 <= place < len(self.names) else None

    def _chosen(self, attr: str, old: list[str], new: list[str]) -> None:
        if not self._drawing and new and new[-1] in self.names:
            self._opened(new[-1])
