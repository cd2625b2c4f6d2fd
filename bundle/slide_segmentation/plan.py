# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""All that decides what is found in a slide, settled before the first block: small enough to travel with each of them.

A block is a pure function of the slide's file, the model's file, the plan and its own place; so it may be computed
anywhere, in any order, and twice.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from transforms.budget import MOST_STEPS, check_budget
from transforms.instances.smooth_outlines import TRUNCATE
from transforms.pixel_centres import pixels_of

from ..files.value_rules import check_value, many, whole
from ..files.view import Channel, View, Window
from ..inference.outputs import Output
from ..inference.segmenter import WINDOW
from ..slides.grid import Box, Grid
from .layout import Layout, Place

UNKNOWN_DIAMETER = 6.0  # um, where a model does not say what it was trained for
LARGEST = 4.0  # typical diameters: the largest object that is sure to be found whole
GAUSSIAN_REACH = 4  # standard deviations that the smoothing of a hover map goes
OVERLAP = 0.25  # of windows, as `bundle.inference.segmenter.windows`


@dataclass(frozen=True)
class Settings:
    """What a user may choose; what is found depends on all of it but `block`, `batch` and `threads`.

    Raises:
        ValueError: a number is out of its range, named.
    """

    window: int = WINDOW[0]  # px at the model's spacing: side of what the network sees at once
    overlap: float = OVERLAP  # share of a window that the next one sees again
    tile: int = 1024  # px at the model's spacing: side of what is post-processed at once
    block: int = 2048  # px at the model's spacing: side of a unit of work, rounded up to whole tiles
    largest: float | None = None  # um: the largest object that is sure to be found whole; None: 4 typical diameters
    batch: int = 1  # windows that the network is given at once
    threads: int | None = None  # of the processor, for each process; None: as they are

    def __post_init__(self) -> None:
        for name in ("window", "tile", "block", "batch"):
            if not isinstance(getattr(self, name), int) or getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)!r}: give a whole number above 0")
        if not isinstance(self.overlap, int | float) or not 0 <= self.overlap < 1:
            raise ValueError(f"overlap is {self.overlap!r}: give a share of a window, from 0 to below 1")
        if self.largest is not None and not (isinstance(self.largest, int | float) and 0 < self.largest < math.inf):
            raise ValueError(f"largest is {self.largest!r}: give the diameter of the largest object in um, above 0")
        if self.threads is not None and (not isinstance(self.threads, int) or self.threads < 1):
            raise ValueError(f"threads is {self.threads!r}: give a whole number above 0")

    def layout(self, grid: Grid, mpp: float, diameter: float | None, output: Output) -> Layout:
        """The lattices of a slide.

        Args:
            grid: of the slide, at the model's spacing.
            mpp: that spacing, um per px.
            diameter: typical object that the model was trained for, um, where it says so.
            output: what the network's channels mean.
        """
        largest = self.largest or LARGEST * (diameter or UNKNOWN_DIAMETER)  # um
        halo = math.ceil((2 * largest + reach_um(output)) / mpp) + 1
        stride = max(round(self.window * (1 - self.overlap)), 1)
        return Layout(grid.size, self.window, stride, self.tile, halo, math.ceil(self.block / self.tile))


def reach_um(output: Output) -> float:
    """How far smoothing and growth look when a map is divided into objects, and these get their outlines, um."""
    divided = GAUSSIAN_REACH * getattr(output, "smoothing", 0.0) + getattr(output, "reach", 0.0)
    return float(divided + TRUNCATE * getattr(output, "outline_smoothing", 0.0))


@dataclass(frozen=True)
class Plan:
    """How one slide is segmented."""

    grid: Grid  # at the model's spacing
    layout: Layout
    tissue: NDArray[np.bool_] = field(compare=False)  # (rows, columns): the windows that the network is shown
    mpp: float  # um per px of the slide's finest level
    channel: Channel | None  # that is meant of several
    window: Window  # intensities that become 0 and 1
    weights: str  # SHA-256 of the model's file
    views: str = "none"  # name of the symmetries that are averaged
    batch: int = 1
    threads: int | None = None
    plane: int | None = None  # that is meant of a stack

    @property
    def view(self) -> View:
        """How the slide is opened for its blocks."""
        return View(self.channel, self.plane, self.window)

    def windows_of(self, block: Place) -> list[Place]:
        """The windows that a block has to show to the network, row by row."""
        return self.windows_on(self.layout.shown(self.layout.block_box(block)))

    def windows_on(self, box: Box) -> list[Place]:
        """The windows with tissue that touch a box of the grid, row by row."""
        rows, columns = self.layout.windows_touching(box)
        return [(row, column) for row in rows for column in columns if self.tissue[row, column]]

    def shows(self, centres: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Which places (N, 2), x and y in px of the grid, pixel centres at integers, lie in a window with tissue."""
        pixels = pixels_of(centres).astype(int).tolist()
        return np.array([bool(self.windows_on(Box(x, y, x + 1, y + 1))) for x, y in pixels], bool)

    def blocks(self) -> list[Place]:
        """The blocks in which there may be anything, row by row."""
        return [block for block in self.layout.blocks() if self.windows_of(block)]

    def as_json(self) -> dict[str, Any]:
        """In the form of JSON; `plan_from` undoes it."""
        packed = base64.b64encode(np.packbits(self.tissue).tobytes()).decode("ascii")
        return {**asdict(self), "tissue": {"shape": self.tissue.shape, "bits": packed}}


def plan_from(content: Mapping[str, Any]) -> Plan:
    """The plan that `Plan.as_json` wrote; KeyError, TypeError or ValueError for anything else."""
    content = dict(content)
    shape, bits = content["tissue"]["shape"], base64.b64decode(content["tissue"]["bits"])
    check_value("shape of the tissue", shape, many(whole(1, MOST_STEPS), 2, 2))
    check_budget("the tissue", math.prod(shape), min(MOST_STEPS, 8 * len(bits)), "windows", "make the plan anew")
    tissue = np.unpackbits(np.frombuffer(bits, np.uint8), count=math.prod(shape)).reshape(shape).astype(bool)
    grid, layout = content["grid"], content["layout"]
    content["grid"] = Grid(tuple(grid["slide_size"]), tuple(grid["size"]))
    content["layout"] = Layout(
        **{**layout, "size": tuple(layout["size"]), "corner": tuple(layout.get("corner", (0, 0)))}
    )
    low, high = content["window"]
    return Plan(**{**content, "tissue": tissue, "window": (low, high)})
