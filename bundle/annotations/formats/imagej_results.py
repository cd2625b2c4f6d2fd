# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""ImageJ's Results table of measured points: columns X and Y, and what else was measured.

X and Y are px or, where the image was calibrated, a unit of length, and the table does not say which; `--unit` does.
Their zero is the centre of the first pixel, as for point selections. Slice, Ch and Frame are planes of a stack. Label,
where it was asked for, begins with the image's title: a.tif, or a.tif:0012-0034 of a selection; a table that was
filled from several images is for each of them.
"""

from __future__ import annotations

from pathlib import Path

from ...files.csv_table import Row, read_cells, read_table
from ...files.points_csv import is_results_table
from ...slides.listing import IMAGE_OR_SLIDE_SUFFIXES
from ..clicks import UNKNOWN, Clicks, warn_of_planes
from .columns import class_column, number_columns, planes_of_rows

is_imagej_results = is_results_table


def read_imagej_results(path: Path) -> list[Clicks]:
    """Read one file, which is for one image, or for those that its labels name.

    Raises:
        ValueError: no columns X and Y, a value that is no number, or only some rows name an image; the message names
            the file.
    """
    header, rows = read_table(path, " ,X,Y")
    names = [name.strip() for name in header]
    if not is_imagej_results(header):
        raise ValueError(f"{path}, line 1: the header is {','.join(header)!r}: no Results table of ImageJ has it")
    points = number_columns(path, header, rows, [names.index("X"), names.index("Y")])
    planes = planes_of_rows(path, header, rows)
    images, classes = _titled(path, header, rows), class_column(path, header, rows)
    found = []
    for image in dict.fromkeys(images):
        own = [index for index, each in enumerate(images) if each == image]
        warn_of_planes(path, [planes[index] for index in own])
        named = (None,) * len(own) if image else tuple(classes[index] for index in own)
        found.append(Clicks(path, points[own], named, image=image, unit=UNKNOWN))
    return found or [Clicks(path, points, (), unit=UNKNOWN)]


def _titled(path: Path, header: list[str], rows: list[Row]) -> list[str | None]:
    """The image that each row's label begins with, None where it names none."""
    names = [name.strip() for name in header]
    if "Label" not in names:
        return [None] * len(rows)
    column = [names.index("Label")]
    titles = [Path(read_cells(path, header, row, column)[0].partition(":")[0]) for row in rows]
    images = [title.stem if title.suffix.lower() in IMAGE_OR_SLIDE_SUFFIXES else None for title in titles]
    if None in images and any(images):
        raise ValueError(f"{path}: some labels begin with an image's name and others do not: measure each image anew")
    return images
