# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Puts the page together: reads the folders, fills `page.html` (every value escaped), writes `report/index.html`."""

from __future__ import annotations

import logging
import math
import os
import shlex
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup

from ..files.atomic import write_whole
from ..files.manifest import StageManifest
from ..files.manifest_file import MANIFEST, read_manifest
from ..files.provenance import hash_files
from ..files.stage_progress import LOSSES, read_losses
from ..metrics import TITLES
from .curves import COLOURS, learning_curves
from .examples import further_pictures, overlays, prediction_rows, relabelled_rows, synthetic_rows, training_samples
from .results import NO_TITLES, ReportRow, dataset_folder, read_report_rows, read_stages, segmented_part
from .summary import beside, headline, metrics_table, missing_parts

logger = logging.getLogger(__name__)

LOSS_TERMS = "Loss terms over updates"  # what curves show
WATCHED = "Seen in the same crops all along: contrast of objects to ground, differences between noises, objects found"


def write_report(
    output_dir: str | os.PathLike[str],
    dataset_dir: str | os.PathLike[str] | None = None,
    titles: Mapping[str, str] = NO_TITLES,
) -> Path:
    """Write `report/index.html` from what the stage folders hold; parts that are not there yet are named as missing.

    Args:
        output_dir: the pipeline's output folder.
        dataset_dir: the user's data set (real images, true labels), where it moved since the stages recorded it.
        titles: key of a baseline -> its title, in the order of the rows.

    Returns:
        The page. It holds all its pictures itself and loads nothing; links lead to files beside it.

    Raises:
        FileNotFoundError: no stage has begun in this folder.
        FileExistsError: `report/` was not written by this function.
    """
    output_dir = Path(output_dir)
    stages = read_stages(output_dir, titles)
    if not stages:
        raise FileNotFoundError(
            f"{output_dir} holds no stage of the pipeline: run `python -m scripts.pipeline run` first"
        )
    folder = output_dir / "report"
    if folder.is_dir() and any(folder.iterdir()) and read_manifest(folder) is None:
        raise FileExistsError(f"{folder} was not written by the pipeline: move it away, the report goes there")
    dataset = dataset_folder(stages, Path(dataset_dir) if dataset_dir is not None else None)
    manifests = {stage["title"]: output_dir / stage["title"] / MANIFEST for stage in stages}
    manifest = StageManifest(folder, "report", inputs=hash_files(manifests), replace=True)
    with manifest.claimed():
        page = folder / "index.html"
        content = render(output_dir, dataset, stages, titles).encode("utf-8", errors="xmlcharrefreplace")
        write_whole(page, lambda file: file.write(content))
    return page


def render(
    output_dir: Path, dataset: Path | None, stages: Sequence[Mapping[str, Any]], titles: Mapping[str, str]
) -> str:
    """The page's HTML."""
    here = Path(__file__).parent
    environment = Environment(loader=FileSystemLoader(here), autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"number": _format_number, "duration": _duration}
    rows = read_report_rows(output_dir, titles)
    return environment.get_template("page.html").render(
        style=Markup((here / "page.css").read_text(encoding="utf-8")),
        name=output_dir.resolve().name,
        written=f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        headline=headline(rows, stages),
        beside=beside(rows),
        table=metrics_table(rows),
        rows=rows,
        part=segmented_part(stages),
        titles=TITLES,
        missing=missing_parts(rows, stages, dataset),
        synthetic=synthetic_rows(output_dir / "synthetic", dataset),
        relabelled=relabelled_rows(output_dir / "synthetic" / "relabelled" / "labels", dataset),
        predictions=prediction_rows(rows, dataset),
        overlays=[
            (title, _address(path, output_dir), picture)
            for title, path, picture in overlays(output_dir / "predictions" / "overlays")
        ],
        further=further_pictures(output_dir / "examples"),
        samples=training_samples(output_dir / "synthesis" / "samples"),
        curves=_curves(output_dir, rows),
        stages=stages,
        command=reproduce(stages),
    )


def _curves(output_dir: Path, rows: Sequence[ReportRow]) -> list[dict[str, Any]]:
    warm_start = {"warm start": read_losses(output_dir / "synthesis" / "warm_start" / LOSSES)}
    losses = read_losses(output_dir / "synthesis" / LOSSES)
    watched = read_losses(output_dir / "synthesis" / "watch.csv")
    panel = {name: values for name, values in watched.items() if name == "step" or name not in losses}
    segmenters = {row.title: read_losses(row.folder / "segmentation" / LOSSES) for row in rows}
    groups = [
        ("Warm start, on ellipses", LOSS_TERMS, warm_start),
        ("Learning to paint", LOSS_TERMS, {"synthesis": losses}),
        ("Watching the image_generator", WATCHED, {"synthesis": panel}),
        ("Learning to segment", LOSS_TERMS, segmenters),
    ]
    found = []
    for number, (title, what, runs) in enumerate(groups):
        if svg := learning_curves(runs, salt=str(number)):
            known = [name for name, columns in runs.items() if len(columns.get("step", ()))]
            legend = list(zip(COLOURS, known, strict=False))
            found.append({"title": title, "what": what, "svg": Markup(svg), "legend": legend})
    return found


def reproduce(stages: Sequence[Mapping[str, Any]]) -> str:
    """The command that makes these results anew, from what the first stage recorded."""
    record = stages[0]["manifest"].get("record", {})
    compared = any(stage["title"].startswith("baselines/") for stage in stages)
    words = ["python", "-m", "scripts.pipeline", "compare" if compared else "run"]
    settings = {
        "dataset_dir": record.get("dataset_dir", "DATASET"),
        "output_dir": "OUTPUT",
        **record.get("arguments", {}),
    }
    for name, value in settings.items():
        words += [f"--{name}", str(value)]
    return shlex.join(words)


def _format_number(value: float) -> str:
    return "–" if value is None or math.isnan(value) else f"{value:.3f}"


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return "–"
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _address(path: Path, output_dir: Path) -> str:
    """A link from the page in `report/` to a file below the output folder, whatever characters its name holds."""
    return quote(os.path.relpath(path, output_dir / "report").replace(os.sep, "/"))
