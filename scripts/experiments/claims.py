# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The short table of docs/results.md and the figures of its claims, from the records of finished runs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scripts.experiments.comparison_command import images_of
from scripts.experiments.comparison_table import over_seeds
from scripts.experiments.page import around, enter, markdown_table
from scripts.experiments.records import Record, read_records

TITLES = {  # the five rows, in order
    "real_only": "**points: labels made of real images**",
    "method": "**points: method**, these and synthetic images",
    "voronoi": "points: Voronoi cells and colour clusters",
    "ellipses": "points: ellipses",
    "dense": "outlines",
}
SHOWN = {"aji": "AJI", "pq": "PQ", "iou": "IoU", "f1": "F1", "dice": "object Dice", "detection_f1": "detection F1"}
# what the axis says, then what was done to the clicks: curve and columns of a record of robustness
SETTINGS: dict[str, tuple[str, dict[str, float]]] = {
    "23 images": ("whole", {}),
    "5 images": ("clicked_images", {"clicked_images": 5}),
    "1 image": ("clicked_images", {"clicked_images": 1}),
    "clicks 1 um off": ("noise", {"noise": 1}),
    "clicks 2 um off": ("noise", {"noise": 2}),
    "half of the clicks missing": ("missing", {"missing": 0.5}),
}


@dataclass(frozen=True)
class Difference:
    """AJI with synthetic images less AJI without, in one setting."""

    setting: str
    value: float
    error: float = 0.0  # standard error over images; 0 where images were not kept


def claims(
    results: str = "docs/appendix/results.csv",
    robustness: str = "docs/appendix/robustness.csv",
    page: str = "docs/results.md",
    figures: str = "docs/figures",
) -> None:
    """Write the short table of results into a page, and draw the figures of the first two claims.

    Args:
        results: CSV of finished runs that `table` keeps; beside it, as NAME_images.csv, the metrics of each image.
        robustness: CSV of finished runs that `robustness` keeps.
        page: Markdown page that holds the marks of the table "summary"; "" for none.
        figures: folder to draw clicks_and_outlines.png and synthetic_images.png into; those that are there are
            replaced.

    Raises:
        ValueError: a row has no finished run with the first backbone.
    """
    around(page, "summary")
    rows = summary_rows(read_records(results), results)
    enter(page, "summary", summary_markdown(rows))
    Path(figures).mkdir(parents=True, exist_ok=True)
    draw_rows(Path(figures) / "clicks_and_outlines.png", rows)
    full = full_budget(read_records(images_of(results)))
    draw_differences(Path(figures) / "synthetic_images.png", [*full, *reduced_budget(read_records(robustness))])


def summary_rows(records: Sequence[Record], source: str) -> dict[str, list[Record]]:
    """Name -> runs of each of the five rows.

    Raises:
        ValueError: one has none; names it and the source.
    """
    rows = {name: [record for record in records if record["row"] == name] for name in TITLES}
    if empty := [name for name, runs in rows.items() if not runs]:
        raise ValueError(f"{source}: no finished run of {empty[0]}: `python -m scripts.experiments table` makes it")
    return rows


def summary_markdown(rows: dict[str, list[Record]]) -> str:
    """A line for each row: means over seeds and images ± sd over images, in brackets the sd over seeds."""
    lines = [[TITLES[name], *(over_seeds(runs, metric) for metric in SHOWN)] for name, runs in rows.items()]
    return markdown_table(["trained on", *SHOWN.values()], lines)


def draw_rows(path: Path, rows: dict[str, list[Record]]) -> None:
    """Write a PNG: AJI of each row, a dot for each seed, a bar for the standard error over images."""
    page = Figure(figsize=(7.5, 2.4), layout="constrained")
    axis = page.subplots()
    for place, runs in enumerate(rows.values()):
        values = [run["aji"] for run in runs]
        error = mean(run["aji_sd"] / math.sqrt(run["images"]) for run in runs)
        axis.errorbar(mean(values), place, xerr=error, fmt="none", color="grey", capsize=3)
        axis.plot(values, [place] * len(values), "o", color="tab:blue", markersize=4)
    axis.set_xlabel("AJI (dots: seeds; bars: standard error over images)", fontsize=8)
    _name_ticks(axis, [TITLES[name].replace("*", "") for name in rows])
    page.savefig(path, dpi=120)


def full_budget(images: Sequence[Record]) -> list[Difference]:
    """With all clicks and the whole budget: paired by image and seed. [] where no seed has both."""
    runs: dict[tuple[str, int], dict[str, float]] = {}
    for record in images:
        if record["row"] in ("method", "real_only"):
            runs.setdefault((record["row"], record["seed"]), {})[record["image"]] = record["aji"]
    seeds = [seed for name, seed in runs if name == "method" and ("real_only", seed) in runs]
    if not seeds:
        return []
    names = list(runs["method", seeds[0]])
    paired = [mean(runs["method", seed][each] - runs["real_only", seed][each] for seed in seeds) for each in names]
    error = stdev(paired) / math.sqrt(len(paired)) if len(paired) > 1 else 0.0
    return [Difference("23 images, full budget", mean(paired), error)]


def reduced_budget(records: Sequence[Record]) -> list[Difference]:
    """In each setting of the experiment on robustness that was run with and without synthetic images."""
    found = []
    for setting, (curve, values) in SETTINGS.items():
        runs = [run for run in records if run["curve"] == curve and all(run[name] == at for name, at in values.items())]
        ways = {way: [run["aji"] for run in runs if run["way"] == way] for way in ("method", "real_only")}
        if all(ways.values()):
            found.append(Difference(setting, mean(ways["method"]) - mean(ways["real_only"])))
    return found


def draw_differences(path: Path, differences: Sequence[Difference]) -> None:
    """Write a PNG: a bar for each setting, to the right where synthetic images pay."""
    page = Figure(figsize=(7.5, 2.6), layout="constrained")
    axis = page.subplots()
    values = [each.value for each in differences]
    colours = ["tab:green" if value > 0 else "tab:red" for value in values]
    axis.barh(range(len(values)), values, color=colours, xerr=[each.error for each in differences], height=0.6)
    axis.axvline(0, color="black", linewidth=0.8)
    axis.set_xlabel("AJI with synthetic images, less AJI without", fontsize=8)
    _name_ticks(axis, [each.setting for each in differences])
    page.savefig(path, dpi=120)


def _name_ticks(axis: Axes, names: Sequence[str]) -> None:
    axis.set_yticks(range(len(names)), labels=names, fontsize=8)
    axis.tick_params(axis="x", labelsize=8)
    axis.invert_yaxis()
    axis.grid(axis="x", alpha=0.3)
