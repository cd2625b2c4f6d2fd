# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""From metrics of images to a table: mean and standard deviation over images, `metrics.csv` and `metrics.json`."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..files.atomic import write_json, write_text
from ..files.csv_table import as_cell, csv_text

logger = logging.getLogger(__name__)

Row = Mapping[str, Any]  # of one image: `name` (str) and metric -> value (float), NaN = the image is not counted
Summary = dict[str, dict[str, float | int]]


def summarise(rows: Sequence[Row]) -> Summary:
    """Mean and standard deviation over images, and how many images were counted.

    Args:
        rows: one mapping per image, metric -> value, as `evaluate_label` returns, with or without a `name`; NaN = the
            image is not counted.

    Returns:
        metric -> {"mean", "sd" (ddof 1), "n"}, in the order in which metrics first occur. The mean is NaN over no
        image, the standard deviation over fewer than two.
    """
    metrics = [metric for metric in _all_keys(rows) if metric != "name"]
    return {metric: _statistics([row[metric] for row in rows if metric in row]) for metric in metrics}


def log_summary(summary: Summary, images: int) -> None:
    """Log mean, standard deviation and how many of the images were counted, for every metric in one line."""
    said = (f"{metric} {entry['mean']:.4f} ± {entry['sd']:.4f} (n {entry['n']})" for metric, entry in summary.items())
    logger.info("Mean ± sd over the n of %d images that count: %s", images, ", ".join(said))


def write_image_metrics(rows: Sequence[Row], output_dir: str | os.PathLike[str]) -> None:
    """Write `metrics.csv`, a line per image, and `metrics.json`, the summary; each in one step; log the summary.

    Args:
        rows: one mapping per image: `name` and the metrics of `evaluate_label`.
        output_dir: folder to write to, made where it is missing.

    The CSV says `nan` and the JSON `null` for a value that is not defined. The JSON holds `images`, the number of
    rows, and `metrics`, what `summarise` returns.
    """
    folder = Path(output_dir)
    folder.mkdir(parents=True, exist_ok=True)
    metrics_of = [column for column in _all_keys(rows) if column != "name"]
    cells = ([as_cell(str(row["name"])), *(f"{row.get(metric, np.nan):.6f}" for metric in metrics_of)] for row in rows)
    write_text(folder / "metrics.csv", csv_text([["name", *metrics_of], *cells]))
    summary = summarise(rows)
    log_summary(summary, len(rows))
    metrics = {
        metric: {key: None if np.isnan(value) else value for key, value in entry.items()}
        for metric, entry in summary.items()
    }
    write_json(folder / "metrics.json", {"images": len(rows), "metrics": metrics})


def _statistics(values: Sequence[float]) -> dict[str, float | int]:
    """Mean, standard deviation and count of the values that are not NaN."""
    all_values = np.asarray(values, dtype=np.float64)
    counted = all_values[~np.isnan(all_values)]
    mean = float(counted.mean()) if counted.size else float("nan")
    sd = float(counted.std(ddof=1)) if counted.size > 1 else float("nan")
    return {"mean": mean, "sd": sd, "n": int(counted.size)}


def _all_keys(rows: Sequence[Row]) -> list[str]:
    """All keys of the rows, in the order in which they first occur."""
    return list(dict.fromkeys(key for row in rows for key in row))
