# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Points files: CSV with the columns x and y, in px of the image, pixel centres at integers."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from transforms.maps.points import merge_duplicates
from transforms.pixel_centres import inside
from transforms.size import Size

from .atomic import write_text
from .csv_table import read_cell_number, read_cells, read_table

logger = logging.getLogger(__name__)


def read_points(path: str | os.PathLike[str], size: Size) -> Tensor:
    """Read the points of one image and merge double clicks, with a warning.

    A file with its header alone states that the image holds no object.

    Args:
        path: CSV file (UTF-8, commas) with a header that names x and y, in capitals or not; more columns are ignored.
        size: (H, W) of the image, px.

    Returns:
        float32 (N, 2), x and y in px, in the file's order; (0, 2) where the header stands alone.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: no header, a value that is no number, or a point outside [-0.5, W - 0.5) x [-0.5, H - 0.5); the
            message names file, line and value.
    """
    return merge_clicks(parse_points(path, size), path)


def merge_clicks(points: Tensor, path: str | os.PathLike[str]) -> Tensor:
    """Points (N, 2) without double clicks; a warning names the file they came from."""
    merged, gone = merge_duplicates(points)
    if gone:
        logger.warning("%s: %d points lie exactly on others (double clicks) and were merged with them", path, gone)
    return merged


def parse_points(path: str | os.PathLike[str], size: Size) -> Tensor:
    """As `read_points`, but double clicks stay."""
    rows = list(_rows(Path(path)))
    values = [
        [read_cell_number(path, line, name, text) for name, text in zip("xy", pair, strict=True)] for line, pair in rows
    ]
    points = torch.tensor(values, dtype=torch.float32).reshape(-1, 2)  # (N, 2)
    outside = (~inside(points, size)).nonzero()[:, 0].tolist()
    if outside:
        line, (x, y) = rows[outside[0]]
        raise ValueError(
            f"{path}, line {line}: the point x={x}, y={y} lies outside the image of {size[1]} x {size[0]} px"
            f" ({len(outside)} of {len(points)} points do): x runs from -0.5 to {size[1] - 0.5}, y from -0.5 to"
            f" {size[0] - 0.5}; are these px of this very image, and is x the column?"
        )
    return points


def write_points(path: str | os.PathLike[str], points: Tensor) -> None:
    """Write points (N, 2) as CSV with the header x,y; all decimals, since rounding may put one outside its image."""
    rows = points.float().numpy()  # (N, 2)
    texts = [[np.format_float_positional(value, min_digits=2) for value in row] for row in rows]
    write_text(path, "x,y\n" + "".join(f"{x},{y}\n" for x, y in texts))


def _rows(path: Path) -> Iterator[tuple[int, tuple[str, str]]]:
    """(line number, (x, y) as text) of every row that is not empty."""
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such points file: an image needs a CSV file of its name, columns x,y")
    header, rows = read_table(path, "x,y")
    columns = _xy_columns(path, header)
    for row in rows:
        x, y = read_cells(path, header, row, columns)
        yield row[0], (x, y)


def is_results_table(header: Sequence[str]) -> bool:
    """Whether a table is ImageJ's Results, whose X and Y are px or um as the image was calibrated, without a word."""
    names = [name.strip() for name in header]
    measured = {"Area", "Mean", "StdDev", "Mode", "Min", "Max", "XM", "YM", "Slice", "Counter", "Count", "Ch", "Frame"}
    return {"X", "Y"} <= set(names) and (names[0] == "" or not measured.isdisjoint(names))


def _xy_columns(path: Path, header: list[str]) -> tuple[int, int]:
    if is_results_table(header):
        raise ValueError(
            f"{path}: is a Results table of ImageJ, whose X and Y may be um: convert it,"
            " `python -m scripts.prepare_data points --unit` with um per px of the image, or 1 if they are px"
        )
    names = [name.strip().lower() for name in header]
    if names.count("x") != 1 or names.count("y") != 1:
        raise ValueError(
            f"{path}, line 1: the header is {','.join(header)!r}: it must name one column x and one column y,"
            " separated by commas, as in 'x,y'"
        )
    return names.index("x"), names.index("y")
