# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""How results fall as clicks get fewer, worse or incomplete: the whole pipeline, trained anew at each point of a curve.

Testing images and their labels are always the same, and whole.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean

from bundle.data.folder import DataFolder
from bundle.metrics import OUTLINE_COLUMNS, summarise
from bundle.pipeline.pipeline import run_pipeline
from bundle.pipeline.request import Request
from bundle.pipeline.runner import StageError
from bundle.pipeline.settings import overrides_for
from bundle.pipeline.stage_run import StageRun
from bundle.pipeline.stages import METHOD
from bundle.report.results import read_metrics
from matplotlib.figure import Figure
from scripts.experiments.comparison import result_row, seed_folder
from scripts.experiments.degrade import Degradation, write_degraded
from scripts.experiments.page import markdown_table
from scripts.experiments.records import Record, mean_and_sd

logger = logging.getLogger(__name__)

CURVES = {"clicked_images": "clicked images", "noise": "click noise, um", "missing": "clicks missing, share"}
WHOLE = "whole"  # the data set as it is: a point of all curves, trained once
WAYS = {way: result_row(way).stages for way in ("ellipses", "method", "real_only")}


@dataclass(frozen=True)
class Setting:
    """One point of the curves.

    Attributes:
        curve: one of `CURVES`, or `WHOLE`.
        clicked_images: how many training images are left.
        degradation: what it takes away.
    """

    curve: str
    clicked_images: int
    degradation: Degradation

    @property
    def values(self) -> dict[str, float]:
        """Where it is on the axis of each curve."""
        taken = self.degradation
        return {"clicked_images": self.clicked_images, "noise": taken.noise, "missing": taken.missing}

    @property
    def name(self) -> str:
        """Of its folder and its record."""
        return self.curve if self.curve == WHOLE else f"{self.curve}_{self.values[self.curve]:g}"


def settings(
    available: int, images: Sequence[int], noise: Sequence[float], missing: Sequence[float], seed: int = 0
) -> list[Setting]:
    """The points of all curves, each once.

    Args:
        available: training images of the whole data set.
        images: how many of them, for each point of the first curve.
        noise: standard deviations of clicks around the centres, um.
        missing: shares of clicks left out.
        seed: of every draw.

    Raises:
        ValueError: more images are asked for than there are; a value that `Degradation` does not take.
    """
    if images and max(images) > available:
        raise ValueError(f"{max(images)} training images are asked for, and there are {available}")
    points = [Setting("clicked_images", count, Degradation(images=count, seed=seed)) for count in images]
    points += [Setting("noise", available, Degradation(noise=sd, seed=seed)) for sd in noise]
    points += [Setting("missing", available, Degradation(missing=share, seed=seed)) for share in missing]
    whole = Setting(WHOLE, available, Degradation(seed=seed))
    return list(dict.fromkeys(whole if point.values == whole.values else point for point in points))


def run_robustness(
    request: Request, points: Sequence[Setting], way: str, done: Collection[tuple[str, int]] = ()
) -> list[str]:
    """Train and measure one way of getting a segmenter at all points.

    Args:
        request: what all share; its output folder holds a folder for each seed and point.
        points: the points.
        way: one of `WAYS`.
        done: (row, seed) of the runs that are on record already.

    Returns:
        What is not finished, "name: why".
    """
    unfinished = []
    folder = DataFolder(request.dataset_dir, request.image_mpp, StageRun(request, METHOD[0]).config["channels"])
    for point in points:
        if (record_name(point, way), point.degradation.seed) in done:
            continue
        logger.info("%s, %s", point.name, way)
        root, stages = folder_of(request.output_dir, point), WAYS[way]
        overrides = overrides_for({stage.name for stage in stages}, request.overrides)
        try:
            data = write_degraded(folder, point.degradation, root / "data")
            own = replace(request, dataset_dir=data, output_dir=root / "runs", overrides=overrides)
            run_pipeline(own, stages)
        except (StageError, BlockingIOError) as error:
            logger.error("%s, %s: %s", point.name, way, error)
            unfinished.append(f"{record_name(point, way)}: {str(error).splitlines()[0]}")
    return unfinished


def collect_robustness(root: Path, points: Sequence[Setting]) -> list[Record]:
    """A record for every point and way that is finished."""
    found = []
    for point in points:
        for way, stages in WAYS.items():
            metrics = read_metrics(folder_of(root, point) / "runs" / stages[-1].folder / "metrics.csv")
            if metrics:
                record: Record = {"row": record_name(point, way), "curve": point.curve, **point.values}
                record |= {"way": way, "seed": point.degradation.seed, "images": len(metrics)}
                found.append(record | mean_and_sd(summarise(metrics), OUTLINE_COLUMNS))
    return found


def folder_of(root: Path, point: Setting) -> Path:
    """Where the data set and the runs of a point are."""
    return seed_folder(root, point.degradation.seed) / point.name


def record_name(point: Setting, way: str) -> str:
    """Of the record of a point and a way."""
    return f"{point.name}_{way}"


def robustness_markdown(records: Sequence[Record]) -> str:
    """A line for each point: AJI of the ways that were run, mean ± sd over testing images, both means over seeds."""
    ways = [way for way in WAYS if any(record["way"] == way for record in records)]
    lines = []
    for curve, label in CURVES.items():
        curves = {way: _curve(records, curve, way) for way in ways}
        for value in sorted({value for points in curves.values() for value in points}):
            cells = [
                f"{mean(entry['aji'] for entry in found):.3f} ± {mean(entry['aji_sd'] for entry in found):.3f}"
                if (found := points.get(value))
                else ""
                for points in curves.values()
            ]
            lines.append([label, f"{value:g}", *cells])
    return markdown_table(["curve", "value", *(f"{way}: AJI" for way in ways)], lines)


def draw_robustness(path: Path, records: Sequence[Record]) -> None:
    """Write a PNG with a panel for each curve: AJI of every way."""
    page = Figure(figsize=(9, 2.8), layout="constrained")
    for panel, (curve, label) in zip(page.subplots(1, len(CURVES), sharey=True), CURVES.items(), strict=True):
        for way in WAYS:
            if points := sorted(_curve(records, curve, way).items()):
                values = [mean(entry["aji"] for entry in found) for _, found in points]
                errors = [mean(entry["aji_sd"] / entry["images"] ** 0.5 for entry in found) for _, found in points]
                panel.errorbar([value for value, _ in points], values, errors, marker="o", capsize=2, label=way)
        panel.set_xlabel(label)
        if curve == "clicked_images":
            panel.set_xscale("log")
            counts = sorted({value for way in WAYS for value in _curve(records, curve, way)})
            panel.set_xticks(counts, labels=[f"{count:g}" for count in counts])
            panel.minorticks_off()
            panel.set_ylabel("AJI (bars: standard error over images)", fontsize=7)
            panel.legend()
    path.parent.mkdir(parents=True, exist_ok=True)
    page.savefig(path, dpi=120)


def _curve(records: Sequence[Record], curve: str, way: str) -> dict[float, list[Record]]:
    """Records of each value on a curve, one for each seed."""
    found: dict[float, list[Record]] = {}
    for record in records:
        if record["way"] == way and record["curve"] in (curve, WHOLE):
            found.setdefault(record[curve], []).append(record)
    return found
