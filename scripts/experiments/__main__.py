# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Experiments on a data set with labels to measure with: the table of results, the ablation, Table 3, worse clicks.

    python -m scripts.experiments table --dataset_dir DATA --output_dir OUT --mpp 0.25
    python -m scripts.experiments ablation --dataset_dir DATA --output_dir OUT --mpp 0.25
    python -m scripts.experiments pairs --dataset_dir DATA --output_dir OUT --mpp 0.25
    python -m scripts.experiments figure --dataset_dir DATA --output_dir OUT --path synthesis.png
    python -m scripts.experiments robustness --dataset_dir DATA --output_dir OTHER --mpp 0.25
    python -m scripts.experiments clicks --dataset_dir DATA --output_dir CLICKS --mpp 0.25
    python -m scripts.experiments click_check --dataset_dir DATA --mpp 0.25
    python -m scripts.experiments recipe --dataset_dir DATA --output_dir RECIPE --mpp 0.25
    python -m scripts.experiments claims
    python -m scripts.experiments paper_scale --dataset_dir DATA --output_dir PAPER --mpp 0.25 --minutes 28
    python -m scripts.experiments join_weights --carry_dir PAPER/carry --output_dir WEIGHTS

All but figure, click_check, claims and join_weights take hours, paper_scale the minutes that it is given. They may be
cut at any time, and the same command goes on; all but paper_scale may be started several times side by side on one
output folder (with OMP_NUM_THREADS=1 on as many cores). Tables are written anew after every call.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from bundle.data.folder import DataFolder
from bundle.files.atomic import write_text
from bundle.files.images import check_mpp
from bundle.files.value_rules import listed
from scripts.command_line import run_command
from scripts.experiments.ablation import run_experiment
from scripts.experiments.ablation_figure import draw_figure
from scripts.experiments.ablation_rows import AblationRow, ablation_rows, pairs_rows
from scripts.experiments.ablation_table import collect, in_order, markdown
from scripts.experiments.carry import join_weights
from scripts.experiments.claims import claims
from scripts.experiments.click_check import click_check
from scripts.experiments.clicks import clicks
from scripts.experiments.comparison_command import table
from scripts.experiments.options import TableOptions, TrainingOptions, lengths, numbers
from scripts.experiments.page import around, enter
from scripts.experiments.paper_scale import paper_scale
from scripts.experiments.recipe import recipe
from scripts.experiments.records import Record, enter_records, read_records, run_of, write_records
from scripts.experiments.robustness import (
    WAYS,
    collect_robustness,
    draw_robustness,
    robustness_markdown,
    run_robustness,
    settings,
)

logger = logging.getLogger(__name__)


def ablation(
    training: TrainingOptions,
    tables: TableOptions,
    rows: str = "",
    seeds: int = 2,
    synthesis_epochs: int = 45,
    segmentation_epochs: int = 10,
    encoder: str = "",
) -> None:
    """Train, paint, segment and measure each configuration of the paper's ablation, each part left out, and ours.

    Args:
        training: what is trained on, where.
        tables: where finished runs are kept and shown.
        rows: names of those to run, separated by commas; without it all.
        seeds: most runs of a row; (a), (b2) and (c) have two.
        synthesis_epochs: length of stage 1, in epochs of the preset (100 updates at cpu and paper scale).
        segmentation_epochs: length of stage 3, likewise.
        encoder: weights of a segmenter whose encoder compares images, such as
            models/encoder_monuseg_noncommercial.pt; without it one is trained on ellipses first. Compare rows of one
            encoder alone: another machine trains another one.
    """
    every = [replace(row, seeds=row.seeds[:seeds]) for row in ablation_rows()]
    chosen = chosen_rows(every, rows)
    request = training.request(lengths(synthesis_epochs, segmentation_epochs))
    around(tables.page, "ablation")  # errors come before the hours
    unfinished = [] if tables.table_only else run_experiment(request, left(chosen, tables.records), encoder)
    _write_experiment_tables(
        request.output_dir, "ablation", collect(request.output_dir, chosen), every, tables, unfinished
    )


def pairs(
    training: TrainingOptions,
    tables: TableOptions,
    image_generator: str = "c",
    seed: int = 0,
    synthesis_epochs: int = 45,
    segmentation_epochs: int = 10,
) -> None:
    """Train segmenters on 23, 46, 69 and 92 images over fully synthetic points, at equal updates and at equal epochs.

    The output folder is that of the ablation, whose row `image_generator` is finished.

    Args:
        training: what is trained on, where.
        tables: where finished runs are kept and shown.
        image_generator: row whose generator paints.
        seed: of that row's run, and of these.
        synthesis_epochs: that of the ablation.
        segmentation_epochs: length of stage 3 with 46 pairs, in epochs of the preset.
    """
    request = training.request(lengths(synthesis_epochs, segmentation_epochs))
    rows = pairs_rows(image_generator, segmentation_epochs, seed)
    around(tables.page, "pairs")
    unfinished = [] if tables.table_only else run_experiment(request, left(rows, tables.records))
    _write_experiment_tables(request.output_dir, "pairs", collect(request.output_dir, rows), rows, tables, unfinished)


def figure(
    dataset_dir: str,
    output_dir: str,
    path: str,
    rows: str = "a,b1,b2,c",
    images: str = "0,7,15",
    image_mpp: float | None = None,
) -> None:
    """Draw the same masks as painted by some rows, two noises each.

    Args:
        dataset_dir: as for ablation.
        output_dir: that of the ablation.
        path: PNG to write; one that is there is replaced.
        rows: names of those to show, separated by commas, each by the first of its seeds that has painted.
        images: places of the images in the list of training images, separated by commas.
        image_mpp: (or --mpp) as for ablation.
    """
    shown, places = chosen_rows(ablation_rows(), rows), [int(place) for place in images.split(",")]
    draw_figure(Path(path), Path(output_dir), shown, DataFolder(dataset_dir, check_mpp(image_mpp)), places)
    logger.info("written: %s", Path(path).resolve())


def robustness(
    training: TrainingOptions,
    tables: TableOptions,
    ways: str = "ellipses,method",
    images: str = "1,2,5,10,23",
    noise: str = "0.5,1,2",
    missing: str = "0.1,0.25,0.5",
    seed: int = 0,
    synthesis_epochs: int = 3,
    segmentation_epochs: int = 10,
    figure: str = "",
) -> None:
    """Train the whole pipeline on fewer images, on clicks beside the centres, and on some of the clicks.

    Every data set is kept, with a degraded.json that lists its images and the clicks that are left out. The tables and
    the curves are OUT/robustness.csv, .md and .png. What the whole data set gives is a point of all three curves: the
    largest number of images, no noise, none missing.

    Args:
        training: what is trained on, where.
        tables: where finished runs are kept and shown.
        ways: of ellipses, method and real_only (the method without synthetic images), with commas between.
        images: numbers of clicked images, with commas between.
        noise: standard deviations, along x and y each, of clicks around the centres, um.
        missing: shares of the clicks that are left out.
        seed: of what is left out and of every other draw.
        synthesis_epochs: length of the cycle, in epochs of the preset (100 updates at cpu scale).
        segmentation_epochs: length of the segmenter's training, likewise.
        figure: PNG of the curves, such as docs/robustness.png; OUT/robustness.png without it.
    """
    if wrong := [way for way in listed(ways) if way not in WAYS]:
        raise ValueError(f"ways names {wrong[0]!r}: choose of {', '.join(WAYS)}")
    counts, shares = numbers("images", images), numbers("missing", missing)
    around(tables.page, "robustness")
    available = len(DataFolder(training.dataset_dir, check_mpp(training.image_mpp)).training)
    points = settings(available, [int(count) for count in counts], numbers("noise", noise), shares, seed)
    request = training.request(lengths(synthesis_epochs, segmentation_epochs), seed)
    done, unfinished = {run_of(record) for record in read_records(tables.records)}, []
    for way in () if tables.table_only else listed(ways):
        unfinished += run_robustness(request, points, way, done)
    found = enter_records(tables.records, collect_robustness(request.output_dir, points))
    write_records(request.output_dir / "robustness.csv", found)
    write_text(request.output_dir / "robustness.md", robustness_markdown(found))
    enter(tables.page, "robustness", robustness_markdown(found))
    draw_robustness(Path(figure or request.output_dir / "robustness.png"), found)
    if unfinished:
        raise ValueError("not finished: " + "; ".join(unfinished))


def chosen_rows(rows: Sequence[AblationRow], names: str) -> list[AblationRow]:
    """Those of the rows whose names are given, separated by commas, in the rows' order; all where none is given."""
    wanted = listed(names)
    if unknown := [name for name in wanted if name not in {row.name for row in rows}]:
        raise ValueError(f"row {unknown[0]!r}: choose among {', '.join(row.name for row in rows)}")
    return [row for row in rows if not wanted or row.name in wanted]


def left(rows: Sequence[AblationRow], records: str) -> list[AblationRow]:
    """The rows without the seeds that are on record in a CSV already."""
    done = {run_of(record) for record in read_records(records)}
    return [replace(row, seeds=tuple(seed for seed in row.seeds if (row.name, seed) not in done)) for row in rows]


def _write_experiment_tables(
    output_dir: Path,
    name: str,
    found: Sequence[Record],
    rows: Sequence[AblationRow],
    tables: TableOptions,
    unfinished: Sequence[str],
) -> None:
    """The tables of an experiment; ValueError where something is not finished."""
    found = in_order(enter_records(tables.records, found), rows)
    output_dir.mkdir(parents=True, exist_ok=True)
    write_records(output_dir / f"{name}.csv", found)
    write_text(output_dir / f"{name}.md", markdown(found))
    enter(tables.page, name, markdown(found))
    logger.info("%d of %d runs in %s", len(found), sum(len(row.seeds) for row in rows), output_dir)
    if unfinished:
        raise ValueError("not finished: " + "; ".join(unfinished))


COMMANDS: dict[str, Callable[..., None]] = {
    "table": table,
    "ablation": ablation,
    "pairs": pairs,
    "figure": figure,
    "robustness": robustness,
    "clicks": clicks,
    "click_check": click_check,
    "recipe": recipe,
    "claims": claims,
    "paper_scale": paper_scale,
    "join_weights": join_weights,
}

if __name__ == "__main__":
    run_command(COMMANDS)
