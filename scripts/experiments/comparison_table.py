# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The table of results as Markdown: one line for each row, over its seeds, with the paper's numbers beside it."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence

import numpy as np
from bundle.metrics import OUTLINE_COLUMNS, TITLES
from scripts.experiments.comparison import BACKBONES, WAYS, result_row
from scripts.experiments.page import markdown_table
from scripts.experiments.records import Record

SHOWN = {key: TITLES[key] for key in OUTLINE_COLUMNS}
COMPARED = {key: TITLES[key] for key in ("aji", "pq", "iou", "detection_f1", "points_alone")}
# IoU, F1, object Dice and AJI of the paper's Table 2 (arXiv 2308.09835), on 14 MoNuSeg images that it does not name
PAPER = {
    ("hovernet", "dense"): (0.644, 0.781, 0.747, 0.572),
    ("hovernet", "geodesic"): (0.538, 0.697, 0.679, 0.472),
    ("hovernet", "cyclegan"): (0.483, 0.622, 0.601, 0.413),
    ("hovernet", "method"): (0.636, 0.776, 0.745, 0.569),
    ("cnn3", "dense"): (0.614, 0.760, 0.734, 0.541),
    ("cnn3", "geodesic"): (0.508, 0.670, 0.587, 0.311),
    ("cnn3", "cyclegan"): (0.469, 0.631, 0.547, 0.266),
    ("cnn3", "method"): (0.600, 0.749, 0.691, 0.463),
}


def results_markdown(records: Sequence[Record]) -> str:
    """A line for each row: means over seeds and images, ± sd over images (mean over seeds), (sd over seeds)."""
    header = ["trained on", "backbone", "seeds", "updates", *SHOWN.values(), "paper's AJI", "training, min"]
    header += ["with stages 1 and 2, min", "parameters", "s per 1000 x 1000 px"]
    lines = []
    for backbone in BACKBONES:
        for way in WAYS:
            runs = [record for record in records if (record["way"], record["backbone"]) == (way, backbone)]
            if runs:
                lines.append(_cells(way, backbone, runs))
    return markdown_table(header, lines)


def differences_markdown(images: Sequence[Record]) -> str:
    """How far each row is above the method with the same backbone, image by image and seed by seed, as Markdown.

    Args:
        images: row, way, backbone, seed, image and metrics, one for each image of each run.

    Returns:
        A line for each row that shares a seed with the method: mean over images of the mean over these seeds, ± its
        standard error over the images, (sd over the seeds). "" where no row does.
    """
    lines = []
    for backbone in BACKBONES:
        runs = _values_by_run(record for record in images if record["backbone"] == backbone)
        for way in WAYS:
            seeds = sorted({seed for name, seed in runs if name == way and ("method", seed) in runs})
            if seeds and way != "method":
                pairs = [(runs[way, seed], runs["method", seed]) for seed in seeds]
                cells = [result_row(way, backbone).title, backbone, ", ".join(map(str, seeds))]
                lines.append(cells + [paired_difference(pairs, metric) for metric in COMPARED])
    header = ["difference from this method", "backbone", "at seeds", *COMPARED.values()]
    return markdown_table(header, lines) if lines else ""


Run = dict[str, Record]  # name of an image -> its metrics


def _values_by_run(images: Iterable[Record]) -> dict[tuple[str, int], Run]:
    """(way, seed) -> its run."""
    runs: dict[tuple[str, int], Run] = {}
    for record in images:
        runs.setdefault((record["way"], record["seed"]), {})[record["image"]] = record
    return runs


def paired_difference(pairs: Sequence[tuple[Run, Run]], metric: str) -> str:
    """How far one run is above another, as +.004 ± .002 (.001): mean, standard error over images, sd over the pairs.

    Args:
        pairs: runs to compare, one pair for each seed.
        metric: its name; an image counts where every run has measured it.
    """

    def values(run: Run) -> list[float]:
        return [run.get(image, {}).get(metric, math.nan) for image in pairs[0][0]]

    table = np.array([values(one) for one, _ in pairs]) - np.array([values(other) for _, other in pairs])
    table = table[:, np.isfinite(table).all(axis=0)]  # seeds x images
    if not table.size:
        return ""
    text = f"{table.mean():+.3f}"
    if table.shape[1] > 1:
        text += f" ± {table.mean(axis=0).std(ddof=1) / math.sqrt(table.shape[1]):.3f}"
    return text + (f" ({table.mean(axis=1).std(ddof=1):.3f})" if len(table) > 1 else "")


def _cells(way: str, backbone: str, runs: Sequence[Record]) -> list[str]:
    paper = PAPER.get((backbone, way))
    updates = sorted({f"{run['updates']:,}" for run in runs})
    cells = [result_row(way, backbone).title, backbone, str(len(runs)), " / ".join(updates)]
    cells += [over_seeds(runs, metric) for metric in SHOWN]
    cells += [f"{paper[3]:.3f}" if paper else ""]
    cells += [f"{_median(runs, name):.1f}" for name in ("minutes", "minutes_in_all")]
    return cells + [f"{runs[0]['parameters'] / 1e6:.2f} M", f"{_median(runs, 'seconds_per_megapixel'):.2f}"]


def over_seeds(runs: Sequence[Record], metric: str) -> str:
    """As .510 ± .066 (.004): mean, sd over images averaged over seeds, sd of the means over seeds where several."""
    means = [run[metric] for run in runs if metric in run and not math.isnan(run[metric])]
    spreads = [run[f"{metric}_sd"] for run in runs if not math.isnan(run.get(f"{metric}_sd", math.nan))]
    if not means:
        return ""
    text = f"{statistics.mean(means):.3f}" + (f" ± {statistics.mean(spreads):.3f}" if spreads else "")
    return text + (f" ({statistics.stdev(means):.3f})" if len(means) > 1 else "")


def _median(runs: Sequence[Record], name: str) -> float:
    return statistics.median(run[name] for run in runs)
