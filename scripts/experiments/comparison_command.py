# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The table of results: ways of getting a segmenter x backbones x seeds, run, measured and tabulated."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from bundle.data.folder import DataFolder
from bundle.files.atomic import write_text
from bundle.files.value_rules import listed
from scripts.experiments.comparison import (
    BACKBONES,
    WAYS,
    ResultRow,
    collect_images,
    collect_results,
    result_row,
    run_results,
)
from scripts.experiments.comparison_figure import draw_results
from scripts.experiments.comparison_table import differences_markdown, results_markdown
from scripts.experiments.options import TableOptions, TrainingOptions
from scripts.experiments.page import around, enter
from scripts.experiments.records import Record, enter_records, read_records, run_of, write_records

logger = logging.getLogger(__name__)

ROOT = Path(__file__).resolve().parents[2]


def table(
    training: TrainingOptions,
    tables: TableOptions,
    rows: str = ",".join(WAYS),
    backbones: str = BACKBONES[0],
    seeds: str = "0,1,2",
    epochs: str = "compact=40,hovernet=1,cnn3=1",
    set: str = "",
    figure: str = "",
) -> None:
    """Train, measure and time every row; the table goes to OUT/results.md and OUT/results.csv.

    It takes hours, may be cut at any time, and the same command goes on. Beside the CSV of finished runs, such as
    docs/results.csv, the metrics of each image are kept, as docs/results_images.csv.

    Args:
        training: what is trained on, where.
        tables: where finished runs are kept and shown.
        rows: ways of getting a segmenter, with commas between; online_time after online.
        backbones: of compact, hovernet and cnn3, with commas between.
        seeds: with commas between.
        epochs: of each backbone's training (100 updates at cpu scale), the same for all rows.
        set: settings by their id, "id=value; stage/id=value", for all rows.
        figure: PNG to draw, crops of testing images as all rows segment them, at the first of the seeds.
    """
    request = training.request(set)
    chosen = [result_row(way, backbone) for backbone in listed(backbones) for way in listed(rows)]
    numbers = read_seeds(seeds)
    unfinished: list[str] = []
    around(tables.page, "results")  # errors come before the hours
    if not tables.table_only:
        done = [run_of(record) for record in read_records(tables.records)]
        unfinished = run_results(request, chosen, numbers, epochs_of(epochs, chosen), done)
    new = collect_results(request.output_dir, chosen, numbers)
    images = enter_records(images_of(tables.records), collect_images(request.output_dir, new))
    _write_comparison(request.output_dir, enter_records(tables.records, new), images, tables.page)
    if figure:
        draw_results(
            Path(figure), request.output_dir, chosen, DataFolder(request.dataset_dir, request.image_mpp), numbers[0]
        )
    if unfinished:
        raise ValueError("not finished: " + "; ".join(unfinished))


def epochs_of(text: str, rows: Sequence[ResultRow]) -> dict[str, int]:
    """backbone -> epochs, from "compact=40,cnn3=2".

    Raises:
        ValueError: a part is none, or a backbone of the rows has no number.
    """
    pairs = {name.strip(): number for name, _, number in (part.partition("=") for part in listed(text))}
    wrong = [f"{name}={number}" for name, number in pairs.items() if name not in BACKBONES or not number.isdigit()]
    wrong += [row.backbone for row in rows if row.backbone not in pairs]
    if wrong:
        raise ValueError(f"epochs is {text!r}, at {wrong[0]!r}: give a whole number for each backbone, compact=40,...")
    return {name: int(number) for name, number in pairs.items()}


def read_seeds(text: str) -> list[int]:
    """[0, 1] of "0,1".

    Raises:
        ValueError: one is none.
    """
    if wrong := [part for part in listed(text) if not part.isdigit()]:
        raise ValueError(f"seeds is {text!r}, at {wrong[0]!r}: give whole numbers with commas between, such as 0,1,2")
    return [int(part) for part in listed(text)]


def images_of(records: str) -> str:
    """The file of the images' metrics beside a CSV of runs; "" for none."""
    return str(Path(records).with_name(f"{Path(records).stem}_images.csv")) if records else ""


def _write_comparison(output_dir: Path, found: list[Record], images: list[Record], page: str) -> None:
    output_dir.mkdir(parents=True, exist_ok=True)
    write_records(output_dir / "results.csv", found)
    write_records(output_dir / "results_images.csv", images)
    differences = differences_markdown(images)
    text = results_markdown(found) + (f"\n{differences}" if differences else "")
    write_text(output_dir / "results.md", text)
    enter(page, "results", text)
    logger.info("%d runs in %s", len(found), output_dir / "results.md")
