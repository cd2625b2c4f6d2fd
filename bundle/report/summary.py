# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""What the page says in words and numbers: the headline, the metrics table, and what is missing."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..metrics import LABEL_METRICS, TITLES, summarise
from .results import STAGES, ReportRow, segmented_part

HEADLINES = ("aji", "detection_f1")  # the first of these that was measured makes the headline


def metrics_table(rows: Sequence[ReportRow]) -> dict[str, Any]:
    """Columns (metric names) and, per row of the table, title and metric -> (mean, sd, images that count)."""
    summaries = [summarise(row.metrics) for row in rows]
    present = {metric for summary in summaries for metric in summary}
    columns = [metric for metric in TITLES if metric in present]
    columns += [metric for metric in dict.fromkeys(m for summary in summaries for m in summary) if metric not in TITLES]
    body = [(row.title, len(row.metrics), summary) for row, summary in zip(rows, summaries, strict=True) if row.metrics]
    return {"columns": columns, "body": body}


def headline(rows: Sequence[ReportRow], stages: Sequence[Mapping[str, Any]]) -> str:
    """The result in one line, or what is still to be done, or why nothing was measured."""
    done = {stage["title"] for stage in stages if stage["complete"]}
    waiting = [stage for stage in STAGES if stage not in done]
    if waiting:
        return f"Not finished: {', '.join(waiting)} still to be done."
    own, part = summarise(rows[0].metrics), segmented_part(stages)
    metric = headline_metric(own)
    if metric is None:
        return f"The {part} images are segmented; they have no labels to measure with."
    spread = "" if math.isnan(own[metric]["sd"]) else f" ± {own[metric]['sd']:.3f}"
    images = f"{own[metric]['n']} {part} image{'s' if own[metric]['n'] != 1 else ''}"
    return f"{TITLES[metric]} {own[metric]['mean']:.3f}{spread} on {images}, trained on points alone."


def headline_metric(summary: Mapping[str, Mapping[str, float]]) -> str | None:
    """The metric that makes the headline; None where nothing was measured."""
    return next((name for name in HEADLINES if name in summary and summary[name]["n"]), None)


def beside(rows: Sequence[ReportRow]) -> str:
    """The headline's metric of the baselines, in one line; "" where there are none."""
    metric = headline_metric(summarise(rows[0].metrics))
    others = [(row.title, summarise(row.metrics)) for row in rows[1:]]
    values = [
        f"{title} {other[metric]['mean']:.3f}" for title, other in others if metric in other and other[metric]["n"]
    ]
    return f"For comparison, by the same budget: {', '.join(values)}." if values else ""


def missing_parts(rows: Sequence[ReportRow], stages: Sequence[Mapping[str, Any]], dataset: Path | None) -> list[str]:
    """What the page cannot show, and why, a sentence each."""
    begun = {stage["title"]: stage["complete"] for stage in stages}
    lines = [f"Stage {name} has not begun." for name in STAGES if name not in begun]
    lines += [
        f"Stage {name} is not finished; its figures are from so far." for name, whole in begun.items() if not whole
    ]
    if dataset is None:
        lines.append("The data set's folder is not where it was, so real images and true outlines are left out.")
    if segmented_part(stages) == "training":
        lines.append("No image was held out: predictions are of images trained on, and say little about unseen ones.")
    if begun.get("predictions"):
        measured = summarise(rows[0].metrics)
        absent = [title for metric, title in TITLES.items() if metric in LABEL_METRICS and metric not in measured]
        if absent:
            lines.append(f"Not computed: {', '.join(absent)}. They need true labels, and the images have none.")
    return lines
