# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The list of images on the page, with what is clicked in each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from bokeh.models import ColumnDataSource, DataTable, StringFormatter, TableColumn

from .session import ImageState

HEIGHT = 220  # px


def describe(state: ImageState) -> str:
    """What is clicked in an image, in a few words."""
    if state.problem:
        return "cannot be used"
    if state.empty:
        return "none in it"
    clicks = f"{state.points} clicked" if state.points else "not clicked"
    return f"{clicks}, {state.regions} regions" if state.regions else clicks


class ImageList:
    """A table of images of which one is open.

    Args:
        opened: called with the name of an image that the user chooses.
    """

    def __init__(self, opened: Callable[[str], None]) -> None:
        self._opened, self._drawing = opened, False
        self.source = ColumnDataSource({"name": [], "state": []}, name="images")
        self.source.selected.on_change("indices", self._chosen)
        columns = [
            TableColumn(field="name", title="image", formatter=StringFormatter(), width=150),
            TableColumn(field="state", title="clicks", formatter=StringFormatter(), width=130),
        ]
        self.table = DataTable(
            source=self.source,
            columns=columns,
            index_position=None,
            height=HEIGHT,
            sizing_mode="stretch_width",
            sortable=False,
            reorderable=False,
        )

    @property
    def names(self) -> list[str]:
        """The images that are shown."""
        return list(self.source.data["name"])

    def draw(self, states: Sequence[ImageState], current: str | None) -> None:
        """Show what is clicked now."""
        names, texts = [state.name for state in states], [describe(state) for state in states]
        self._drawing = True
        try:
            if (names, texts) != (self.names, list(self.source.data["state"])):
                self.source.data = {"name": names, "state": texts}
            self.source.selected.indices = [names.index(current)] if current in names else []
        finally:
            self._drawing = False

    def beside(self, current: str | None, step: int) -> str | None:
        """The name so many places after the current one; None where there is none."""
        place = self.names.index(current) + step if current in self.names else 0
        return self.names[place] if 0 <= place < len(self.names) else None

    def _chosen(self, attr: str, old: Any, new: list[int]) -> None:
        if not self._drawing and new and new[0] < len(self.names):
            self._opened(self.names[new[0]])
