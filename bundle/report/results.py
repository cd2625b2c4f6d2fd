# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""What the stage folders hold, read into plain values; whatever is not there (yet) is empty, never an error."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ..files.csv_table import from_cell
from ..files.manifest_file import read_manifest
from ..files.stage_progress import number_or_nan, stage_seconds, updates_done

STAGES = ("synthesis", "synthetic", "segmentation", "predictions")
METHOD_TITLE = "this method"
NO_TITLES: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class ReportRow:
    """One way of getting a segmenter, a row of the table: `folder` holds its `segmentation/` and `predictions/`."""

    title: str
    folder: Path
    metrics: list[dict[str, Any]]  # of each testing image: name and metric -> value, NaN = not defined

    def value(self, name: str, metric: str) -> float:
        """A metric of one image, NaN where it was not measured."""
        return next((image.get(metric, math.nan) for image in self.metrics if image["name"] == name), math.nan)


def read_report_rows(output_dir: Path, titles: Mapping[str, str] = NO_TITLES) -> list[ReportRow]:
    """The method's row, then those of the baselines that are in the output folder.

    Args:
        output_dir: of the pipeline.
        titles: key of a baseline -> its title, in the order of the rows; others come last, under their keys.
    """
    rows = [ReportRow(METHOD_TITLE, output_dir, read_metrics(output_dir / "predictions" / "metrics.csv"))]
    root = output_dir / "baselines"
    present = sorted(path.name for path in root.iterdir() if path.is_dir()) if root.is_dir() else []
    for name in [*(key for key in titles if key in present), *(name for name in present if name not in titles)]:
        metrics = read_metrics(root / name / "predictions" / "metrics.csv")
        rows.append(ReportRow(titles.get(name, name), root / name, metrics))
    return rows


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """`metrics.csv` as one mapping per image; [] where there is none."""
    if not path.is_file():
        return []
    with open(path, newline="", encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    return [
        {key: from_cell(value) if key == "name" else number_or_nan(value) for key, value in line.items()}
        for line in lines
    ]


def read_stages(output_dir: Path, titles: Mapping[str, str] = NO_TITLES) -> list[dict[str, Any]]:
    """Every stage that has begun, the method's first: title, manifest, seconds, updates, whether it is whole."""
    folders = [Path(stage) for stage in STAGES]
    for row in read_report_rows(output_dir, titles)[1:]:
        folders += [row.folder.relative_to(output_dir) / stage for stage in ("pseudo_labels", *STAGES)]
    found = []
    for folder in folders:
        manifest = read_manifest(output_dir / folder)
        if manifest is not None:
            found.append(
                {
                    "title": folder.as_posix(),
                    "manifest": manifest,
                    "complete": bool(manifest.get("complete")),
                    "seconds": stage_seconds(output_dir / folder) or None,  # None: it is not known
                    "sessions": len(manifest.get("sessions", [])),
                    "updates": updates_done(output_dir / folder),
                }
            )
    return found


def dataset_folder(stages: Sequence[Mapping[str, Any]], stated: Path | None) -> Path | None:
    """The user's data set: stated, or as the manifests recorded it; None where it is gone."""
    recorded = [stage["manifest"].get("record", {}).get("dataset_dir") for stage in stages]
    candidates = [stated, *(Path(folder) for folder in recorded if folder)]
    return next((folder for folder in candidates if folder is not None and folder.is_dir()), None)


def segmented_part(stages: Sequence[Mapping[str, Any]]) -> str:
    """Which images the predictions are of: "testing", or "training" where none was held out."""
    settings = [stage["manifest"].get("settings", {}) for stage in stages if stage["title"] == STAGES[-1]]
    return str(settings[0].get("split", "testing")) if settings else "testing"
