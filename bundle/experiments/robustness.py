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

from matplotlib.figure import Figure

from ..data.folder import DataFolder
from ..metrics import summarise
from ..pipeline.pipeline import run_pipeline
from ..pipeline.request import Request
from ..pipeline.runner import StageError
from ..pipeline.settings import overrides_for
from ..pipeline.stages import ELLIPSES, METHOD
from ..report.results import read_metrics
from .degrade import Degradation, write_degraded
from .records import Record

logger = logging.getLogger(__name__)

CURVES = {"images": "clicked images", "noise": "click noise, um", "missing": "clicks missing, share"}
WAYS = {"ellipses": ELLIPSES, "method": METHOD}
METRICS = ("aji", "pq", "iou", "f1", "dice")


@dataclass(frozen=True)
class Setting:
    """One point of a curve.

    Attributes:
        curve: one of `CURVES`.
        value: where on its axis.
        degradation: what it takes away.
    """

    curve: str
    value: float
    degradation: Degradation

    @property
    def name(self) -> str:
        """Of its folder and its record."""
        return f"{self.curve}_{self.value:g}"


def settings(images: Sequence[int], noise: Sequence[float], missing: Sequence[float], seed: int = 0) -> list[Setting]:
    """The points of all curves."""
    points = [Setting("images", value, Degradation(images=value, seed=seed)) for value in images]
    points += [Setting("noise", value, Degradation(noise=value, seed=seed)) for value in noise]
    return points + [Setting("missing", value, Degradation(missing=value, seed=seed)) for value in missing]


def run_robustness(request: Request, points: Sequence[Setting], way: str, done: Collection[str] = ()) -> list[str]:
    """Train and measure one way of getting a segmenter at all points.

    Args:
        request: what all share; its output folder holds a folder for each point.
        points: the points.
        way: one of `WAYS`.
        done: names of records that are there already.

    Returns:
        What is not finished, "name: why".
    """
    unfinished = []
    folder = DataFolder(request.dataset_dir, request.image_mpp, request.config(METHOD[0])["channels"])
    for point in points:
        if record_name(point, way) in done:
            continue
        logger.info("%s, %s", point.name, way)
        root, stages = request.output_dir / point.name, WAYS[way]
        overrides = overrides_for({stage.name for stage in stages}, request.overrides)
        try:
            data = write_degraded(folder, point.degradation, root / "data")
            own = replace(request, dataset_dir=data, output_dir=root / "runs", overrides=overrides)
            run_pipeline(own, stages)
        except (StageError, BlockingIOError) as error:
            logger.error("%s, %s: %s", point.name, way, error)
            unfinished.append(f"{record_name(point, way)}: {str(error).splitlines()[0]}")
    return unfinished


def collect_robustness(root: Path, points: Sequence[Setting], seed: int) -> list[Record]:
    """A record for every point and way that is finished."""
    found = []
    for point in points:
        for way, stages in WAYS.items():
            metrics = read_metrics(root / point.name / "runs" / stages[-1].folder / "metrics.csv")
            if metrics:
                record: Record = {"row": record_name(point, way), "curve": point.curve, "value": point.value}
                record |= {"way": way, "seed": seed, "images": len(metrics)}
                for metric, entry in summarise(metrics).items():
                    if metric in METRICS:
                        record |= {metric: round(entry["mean"], 5), f"{metric}_sd": round(entry["sd"], 5)}
                found.append(record)
    return found


def record_name(point: Setting, way: str) -> str:
    """Of the record of a point and a way."""
    return f"{point.name}_{way}"


def robustness_markdown(records: Sequence[Record]) -> str:
    """A line for each point: AJI of every way, mean ± sd over the testing images."""
    lines = ["| curve | value | " + " | ".join(f"{way}: AJI" for way in WAYS) + " |", "|---|---|" + "---|" * len(WAYS)]
    for curve, label in CURVES.items():
        for value in sorted({record["value"] for record in records if record["curve"] == curve}):
            cells = [
                f"{record['aji']:.3f} ± {record['aji_sd']:.3f}" if (record := _find(records, curve, value, way)) else ""
                for way in WAYS
            ]
            lines.append(f"| {label} | {value:g} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def draw_robustness(path: Path, records: Sequence[Record]) -> None:
    """Write a PNG with a panel for each curve: AJI of every way."""
    page = Figure(figsize=(9, 2.8), layout="constrained")
    for panel, (curve, label) in zip(page.subplots(1, len(CURVES), sharey=True), CURVES.items(), strict=True):
        for way in WAYS:
            points = sorted(
                (record["value"], record["aji"], record["aji_sd"] / record["images"] ** 0.5)
                for record in records
                if (record["curve"], record["way"]) == (curve, way)
            )
            if points:
                panel.errorbar(
                    *zip(*((x, y) for x, y, _ in points), strict=True), [e for *_, e in points], marker="o", label=way
                )
        panel.set_xlabel(label)
        if curve == "images":
            panel.set_xscale("log")
            panel.set_ylabel("AJI (bars: standard error over images)", fontsize=7)
            panel.legend()
    path.parent.mkdir(parents=True, exist_ok=True)
    page.savefig(path, dpi=120)


def _find(records: Sequence[Record], curve: str, value: float, way: str) -> Record | None:
    wanted = (curve, value, way)
    return next((record for record in records if (record["curve"], record["value"], record["way"]) == wanted), None)
