# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""From the folders of an experiment's runs to one table, in Markdown for documents.

Everything in it is read from what the runs wrote; a run that is not finished has no row.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path

from bundle.files.manifest_file import read_manifest
from bundle.files.stage_progress import stage_seconds
from bundle.inference.model import load_network
from bundle.metrics import OUTLINE_COLUMNS, TITLES, summarise
from bundle.report.results import read_metrics
from scripts.experiments.ablation_rows import AblationRow
from scripts.experiments.page import markdown_table
from scripts.experiments.records import Record, mean_and_sd

SEGMENTATION = {key: TITLES[key] for key in OUTLINE_COLUMNS}


def collect(root: Path, rows: Sequence[AblationRow]) -> list[Record]:
    """One record for each finished run of the rows, in their order."""
    runs = [(row, seed) for row in rows for seed in row.seeds]
    return [record for row, seed in runs if (record := read_run(root, row, seed)) is not None]


def read_run(root: Path, row: AblationRow, seed: int) -> Record | None:
    """Name, what it says, seed, sizes and budget, image metrics and metrics of segmentation; None: not finished."""
    folder = row.folder(root, seed)
    metrics = read_metrics(folder / "predictions" / "metrics.csv")
    manifest = read_manifest(folder / "synthesis")
    if not metrics or manifest is None or not manifest.get("complete"):
        return None
    record: Record = {"row": row.name, "says": row.says, "seed": seed, **budget(folder)}
    record |= _quality(row.quality_path(root, seed))
    return record | mean_and_sd(summarise(metrics), SEGMENTATION, digits=6)


def budget(folder: Path) -> Record:
    """Sizes and budget of a run: parameters of G, all that stage 1 cost and on which device, updates of stage 3."""
    settings = {stage: (read_manifest(folder / stage) or {}) for stage in ("synthesis", "segmentation")}
    first, third = (settings[stage].get("settings", {}) for stage in ("synthesis", "segmentation"))
    generator = load_network(folder / "synthesis" / "generator.pt").network
    return {
        "parameters": sum(parameter.numel() for parameter in generator.parameters()),
        "width": _resolved_setting(first, "generator_def::width"),
        "crop": first.get("crop_size::0"),
        "batch": first.get("synthesis_batch_size"),
        "updates": first.get("synthesis_updates_per_epoch", 0) * first.get("synthesis_epochs", 0),
        "minutes": round(stage_seconds(folder / "synthesis") / 60, 2),
        "device": settings["synthesis"].get("record", {}).get("device", ""),
        "segmenter_updates": third.get("segmentation_updates_per_epoch", 0) * third.get("segmentation_epochs", 0),
    }


def _resolved_setting(settings: Record, name: str) -> object:
    """A setting, or the one that it refers to."""
    value = settings.get(name)
    return settings.get(value[1:], value) if isinstance(value, str) and value.startswith("@") else value


def _quality(path: Path) -> Record:
    if not path.is_file():
        return {}
    quality = json.loads(path.read_text(encoding="utf-8"))
    metrics = quality["metrics"]
    return {"digest": quality["digest"], "crops": quality["crops"]} | mean_and_sd(metrics, metrics, digits=6)


def in_order(records: Sequence[Record], rows: Sequence[AblationRow]) -> list[Record]:
    """Records in the order of their rows, seed by seed; those of other rows last."""
    place = {row.name: index for index, row in enumerate(rows)}
    return sorted(records, key=lambda record: (place.get(str(record["row"]), len(place)), record["seed"]))


def markdown(records: Sequence[Record]) -> str:
    """The table as docs/ shows it: budget, image metrics with their sd over bootstraps, segmentation over images.

    Image metrics compare where `features`, the digest of the weights that they were measured with, is the same.
    """
    image_metrics = [
        column.removesuffix("_sd")
        for column in dict.fromkeys(column for record in records for column in record)
        if column.endswith("_sd") and column.removesuffix("_sd") not in SEGMENTATION
    ]
    features = ["features"] if image_metrics else []
    header = ["row", "seed", "G", "crop x batch x updates", "min", "on", "segmenter's updates", *features]
    header += [*image_metrics, *SEGMENTATION.values()]
    lines = []
    for record in records:
        size = f"{record['parameters'] / 1e6:.2f} M, width {record['width']}"
        work = f"{record['crop']} x {record['batch']} x {record['updates']}"
        cells = [f"{record['says']} (`{record['row']}`)", str(record["seed"]), size, work, f"{record['minutes']:.0f}"]
        cells += [record.get("device", ""), f"{record['segmenter_updates']:,}"]
        cells += [record.get("digest", "") for _ in features]
        cells += [mean_with_sd(record, metric) for metric in (*image_metrics, *SEGMENTATION)]
        lines.append(cells)
    return markdown_table(header, lines)


def mean_with_sd(record: Record, metric: str) -> str:
    """Mean ± sd to three figures, "" where it was not measured."""
    mean, sd = record.get(metric), record.get(f"{metric}_sd")
    if mean is None or math.isnan(mean):
        return ""
    digits = 3 if abs(mean) < 10 else 1
    return f"{mean:.{digits}f} ± {sd:.{digits}f}" if sd is not None and not math.isnan(sd) else f"{mean:.{digits}f}"
