# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The table of a slide's objects, written line by line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np

from ..files.atomic import write_whole
from ..files.csv_table import csv_text
from ..objects.table import COLUMNS
from ..slides.grid import Grid
from .collect import Collection

BOX_COLUMNS = ("left", "top", "width", "height")  # px of the finest level; left and top are its first column and row


def write_object_table(path: Path, collection: Collection, outlines: Grid, mpp: float) -> None:
    """Write `objects.csv`: the columns of an image's table, and the bounding box; x and y in px of the finest level."""

    def write(stream: BinaryIO) -> None:
        stream.write(csv_text([(*COLUMNS, *BOX_COLUMNS)]).encode())
        for lines in table_lines(collection, outlines, mpp):
            stream.write(lines.encode())

    write_whole(path, write)


def table_lines(collection: Collection, outlines: Grid, mpp: float) -> Iterator[str]:
    """The lines of each band of objects, by id."""
    step = np.array(outlines.step)
    for ids, objects in collection.bands():
        centres = outlines.to_slide(objects.centres)
        area = objects.area * step.prod()  # px of the finest level
        first = np.floor(objects.box[:, :2] * step).astype(np.int64)
        size = np.ceil(objects.box[:, 2:] * step).astype(np.int64) - first
        places = ((ids[i], f"{x:.2f}", f"{y:.2f}") for i, (x, y) in enumerate(centres))
        measures = (
            (round(area[i]), f"{area[i] * mpp**2:.2f}", f"{objects.confidence[i]:.4f}", *first[i], *size[i])
            for i in range(len(ids))
        )
        yield csv_text((*place, *measure) for place, measure in zip(places, measures, strict=True))
