# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Results on the page: the table of objects, the histogram of their sizes, and files for other programs."""

from __future__ import annotations

import numpy as np
from bokeh.models import Column, ColumnDataSource, DataTable, MultiChoice, NumberFormatter, TableColumn, UIElement
from bokeh.plotting import figure

from ..objects.registry import FORMATS
from .buttons import Act, buttons
from .texts import BAD, PLAIN, heading, note, say
from .work.exporter import Exporter
from .work.findings import Found

BINS, HEIGHT = 20, 150  # bars, px
COLUMNS = {"x": "x, px", "y": "y, px", "area": "area", "confidence": "confidence"}
AREAS = ("Area µm^2", "Area px^2")


class ResultsPanel:
    """A part of the page.

    Args:
        exporter: what writes files.
        act: does what a button stands for.
    """

    def __init__(self, exporter: Exporter, act: Act) -> None:
        self.exporter = exporter
        self.objects = ColumnDataSource({name: [] for name in COLUMNS}, name="table")
        self.bars = ColumnDataSource({"left": [], "right": [], "top": []}, name="histogram")
        self.title, self.line = note(name="sizes"), note(name="export")
        self.formats = MultiChoice(
            options=list(FORMATS), value=["geojson"], sizing_mode="stretch_width", name="formats"
        )
        self._buttons = buttons(act, segment_all="Segment all images", stop_segmenting="Stop")
        columns = [
            TableColumn(field=name, title=title, formatter=NumberFormatter(format="0.00"), width=70)
            for name, title in COLUMNS.items()
        ]
        self.table = DataTable(source=self.objects, columns=columns, height=HEIGHT, sizing_mode="stretch_width")
        self.histogram = figure(
            height=HEIGHT, sizing_mode="stretch_width", tools="", toolbar_location=None, min_border=2
        )
        self.histogram.quad(
            "left", "right", "top", bottom=0, source=self.bars, fill_color="#3fa7ff", line_color="white"
        )
        self.show(None)

    def layout(self) -> UIElement:
        """The part of the page."""
        parts = [heading("Results"), self.title, self.histogram, self.table, self.formats, self._buttons, self.line]
        return Column(*parts, sizing_mode="stretch_width")

    def draw(self) -> None:
        """Show how far the files are."""
        say(self.line, self.exporter.said, BAD if self.exporter.trouble else PLAIN)

    def show(self, found: Found | None) -> None:
        """Show the objects of the image that is open."""
        self.table.visible = self.histogram.visible = found is not None and len(found.objects) > 0
        if found is None or not found.objects:
            self.objects.data = {name: [] for name in COLUMNS}
            say(self.title, "Propose shows the objects of an image here." if found is None else "No object was found.")
            return
        kind = AREAS[0] if AREAS[0] in found.objects[0].measurements else AREAS[1]
        areas = np.array([each.measurements[kind] for each in found.objects])
        columns = found.centres[:, 0], found.centres[:, 1], areas, found.confidence
        self.objects.data = dict(zip(COLUMNS, columns, strict=True))
        self.table.tags = [(self.table.tags or [0])[0] + 1]  # it does not see new numbers in as many rows by itself
        counts, edges = np.histogram(areas, BINS)
        self.bars.data = {"left": edges[:-1], "right": edges[1:], "top": counts}
        unit = "um2" if kind == AREAS[0] else "px"
        say(self.title, f"{len(areas)} objects, median area {np.median(areas):.1f} {unit}; histogram of areas:")
