# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The picture with what lies on it, drawn by Bokeh in the browser: tiles below, outlines, regions and points above.

Bokeh's y runs upwards and an image's downwards: on the way to the browser and back, y changes its sign here and nowhere
else.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
from bokeh.core.property.descriptors import UnsetValueError
from bokeh.models import (
    BoxSelectTool,
    ColumnDataSource,
    CustomJS,
    PanTool,
    PointDrawTool,
    Range1d,
    ScaleBar,
    TileRenderer,
    WheelZoomTool,
    WMTSTileSource,
)
from bokeh.models.annotations.dimensional import Dimensional, ImperialLength
from bokeh.plotting import figure
from numpy.typing import NDArray
from transforms.pixel_centres import HALF_PIXEL, from_corner
from transforms.size import Size

from ..annotations.clicks import Outline, parts_of
from ..objects.polygons import SlideObject
from .clicks.points_table import Point
from .tiles import BEYOND, SHOWN, native_level

CLICKED, CHOSEN, PROPOSED, REGION, OBJECT = "#ffffff", "#ffe000", "#00e5ff", "#3fa7ff", "#ffe000"
REACH = 9.0  # px of the screen: so far from a point a click still means it
UNKNOWN = 950, 800  # px of the screen
TILES_KEPT = 800  # in the browser, which holds every tile that it ever loaded
FORGET = """
const {tiles} = renderer.tile_source
if (tiles.size <= most) { return }
for (const [key, tile] of tiles) {
  if (tiles.size <= most / 2) { break }
  if ((tile.loaded || tile.finished) && tile.tile_coords[2] > 2) { tiles.delete(key) }
}
const view = Bokeh.index.find_one(plot)?.renderer_views.get(renderer)
if (view?._tiles != null) { view._tiles = view._tiles.filter((tile) => tiles.get(tile.cache_key) == tile) }
"""  # the oldest half but for the coarse ones, which stand in for what is being loaded
XY = tuple[float, float]  # px of the image


class Viewer:
    """One picture on the page."""

    def __init__(self) -> None:
        self.points = ColumnDataSource({"id": [], "x": [], "y": []}, name="points")
        self.proposals = ColumnDataSource({"id": [], "x": [], "y": []}, name="proposals")
        self.regions = ColumnDataSource({"id": [], "xs": [], "ys": []}, name="regions")
        self.objects = ColumnDataSource({"xs": [], "ys": []}, name="objects")
        self.pan, self.box = PanTool(), BoxSelectTool(persistent=False)
        self.figure = _figure([self.pan, wheel := WheelZoomTool(zoom_on_axis=False), self.box])
        self.figure.toolbar.active_drag, self.figure.toolbar.active_scroll = self.pan, wheel
        self._tiles = TileRenderer(tile_source=WMTSTileSource(url="", max_zoom=0))
        self.figure.renderers.append(self._tiles)
        args = {"renderer": self._tiles, "plot": self.figure, "most": TILES_KEPT}
        self.figure.x_range.js_on_change("start", CustomJS(name="forget", args=args, code=FORGET))
        self._draw()
        self._bar = _scale_bar()
        self.figure.add_layout(self._bar)
        self.size: Size = (1, 1)

    def show(self, address: str, size: Size, mpp: float | None) -> None:
        """Show another picture, all of it.

        Args:
            address: of its tiles.
            size: of the picture.
            mpp: um per px; without it there is no scale bar.
        """
        self.size = size
        self._bar.visible = mpp is not None
        if mpp is not None:
            self._bar.dimensional = _lengths(mpp)
        self.whole()
        self.restyle(address)

    def restyle(self, address: str) -> None:
        """Show the same picture with tiles from another address."""
        native = native_level(self.size)
        resolution = float(2**native)  # px of the picture per px of the screen at level 0
        self._tiles.tile_source = WMTSTileSource(
            url=address,
            max_zoom=native + BEYOND,
            tile_size=SHOWN,
            initial_resolution=resolution,
            x_origin_offset=HALF_PIXEL,
            y_origin_offset=SHOWN * resolution - HALF_PIXEL,
            wrap_around=False,
        )

    def whole(self) -> None:
        """Show all of the picture."""
        height, width = self.size
        self.look_at(((width - 1) / 2, (height - 1) / 2), max(width, height * self._shape()) * 1.02)

    def look_at(self, centre: XY, width: float | None = None) -> None:
        """Bring a place into the middle; `width`, px of the picture across the page, None as now."""
        width = width or self._width()
        height = width / self._shape()
        x, y = centre
        self.figure.x_range.update(start=x - width / 2, end=x + width / 2)
        self.figure.y_range.update(start=-y - height / 2, end=-y + height / 2)

    def zoom(self, factor: float) -> None:
        """Come closer (factor below 1) or go away, the middle staying."""
        left, top, right, bottom = self.view()
        self.look_at(((left + right) / 2, (top + bottom) / 2), self._width() * factor)

    def view(self) -> tuple[float, float, float, float]:
        """What is seen: left, top, right, bottom in px of the picture; may reach beyond it."""
        x, y = self.figure.x_range, self.figure.y_range
        return float(x.start), -float(y.end), float(x.end), -float(y.start)

    def reach(self) -> float:
        """Px of the picture that a click may miss a point by."""
        return REACH * self._width() / self._inner()[0]

    def set_points(self, points: Mapping[int, Point], chosen: Collection[int] = ()) -> None:
        """Draw the clicks, some of them as chosen; nothing is sent that is drawn already, which would end a drag."""
        ids = list(points)
        places = np.array([(each.x, -each.y) for each in points.values()], np.float64).reshape(-1, 2)
        data: dict[str, NDArray[Any]] = {"id": np.array(ids, np.int32), "x": places[:, 0], "y": places[:, 1]}
        if not all(np.array_equal(self.points.data[name], column) for name, column in data.items()):
            self.points.data = data
        indices = [index for index, identity in enumerate(ids) if identity in chosen]
        if list(self.points.selected.indices) != indices:
            self.points.selected.indices = indices

    def set_regions(self, regions: Mapping[int, Outline], chosen: Collection[int] = ()) -> None:
        """Draw the areas in which everything is clicked."""
        rings = [(key, part) for key, region in regions.items() for part in parts_of(region.area)]
        corners = [np.asarray(part.exterior.coords) for _, part in rings]
        self.regions.data = {
            "id": [key for key, _ in rings],
            "xs": [ring[:, 0].tolist() for ring in corners],
            "ys": [(-ring[:, 1]).tolist() for ring in corners],
        }
        self.regions.selected.indices = [index for index, (key, _) in enumerate(rings) if key in chosen]

    def set_objects(self, objects: Sequence[SlideObject]) -> None:
        """Draw outlines of objects, which count from the picture's corner."""
        rings = [from_corner(part.exterior) for each in objects for part in each.parts]
        self.objects.data = {
            "xs": [ring[:, 0].tolist() for ring in rings],
            "ys": [(-ring[:, 1]).tolist() for ring in rings],
        }

    def set_proposals(self, centres: NDArray[np.float64], ids: Sequence[int]) -> None:
        """Draw centres (N, 2) that are proposed."""
        self.proposals.data = {"id": list(ids), "x": centres[:, 0], "y": -centres[:, 1]}

    def _width(self) -> float:
        return float(self.figure.x_range.end) - float(self.figure.x_range.start)

    def _shape(self) -> float:
        width, height = self._inner()
        return width / height

    def _inner(self) -> tuple[int, int]:
        """Width and height of the picture's part of the page, px of the screen; a guess before the browser says it."""
        try:
            return max(self.figure.inner_width, 1), max(self.figure.inner_height, 1)
        except UnsetValueError:
            return UNKNOWN

    def _draw(self) -> None:
        lines = {"line_color": OBJECT, "line_width": 1.5}
        self.outlines = self.figure.patches("xs", "ys", source=self.objects, fill_alpha=0.0, **lines)
        areas = {"fill_color": REGION, "fill_alpha": 0.06, "line_color": REGION, "line_width": 2, "line_dash": "dashed"}
        areas |= {"nonselection_fill_alpha": 0.06, "nonselection_line_alpha": 1.0}
        chosen_area = {"selection_line_color": CHOSEN, "selection_fill_alpha": 0.2}
        self.areas = self.figure.patches("xs", "ys", source=self.regions, **areas, **chosen_area)
        rim = {"line_color": "#000000", "line_width": 1.2, "nonselection_alpha": 1.0}
        self.offers = self.figure.scatter(
            "x", "y", source=self.proposals, size=9, marker="diamond", fill_color=PROPOSED, fill_alpha=0.9, **rim
        )
        self.dots = self.figure.scatter(
            "x", "y", source=self.points, size=8, fill_color=CLICKED, selection_fill_color=CHOSEN, **rim
        )
        self.mover = PointDrawTool(renderers=[self.dots], add=False)
        self.figure.add_tools(self.mover)


def _figure(tools: list[object]) -> figure:
    plot = figure(
        name="picture",
        x_range=Range1d(0, 1),
        y_range=Range1d(-1, 0),
        tools=tools,
        toolbar_location=None,
        sizing_mode="stretch_both",
        match_aspect=True,
        background_fill_color="#181818",
        border_fill_color="#181818",
        outline_line_color=None,
        min_border=0,
    )
    plot.axis.visible = False
    plot.grid.visible = False
    return plot


def _scale_bar() -> ScaleBar:
    return ScaleBar(
        dimensional=_lengths(1.0),
        unit="px",
        bar_length=0.15,
        location="bottom_left",
        background_fill_color="#000000",
        background_fill_alpha=0.55,
        border_line_color=None,
        bar_line_color="#ffffff",
        bar_line_width=3,
        label_text_color="#ffffff",
        visible=False,
    )


def _lengths(mpp: float) -> Dimensional:
    """Units of the scale bar, in um; of Bokeh's units the imperial ones are those that take any list."""
    basis: Any = {"px": (mpp, "px"), "µm": (1.0, "µm"), "mm": (1000.0, "mm")}
    return ImperialLength(basis=basis, ticks=[1, 2, 5, 10, 20, 50, 100, 200, 500])
