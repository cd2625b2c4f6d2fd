# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The table of training recipes as Markdown: what each change costs, and how far it is above the baseline."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from bundle.metrics import TITLES
from scripts.experiments.comparison_table import Run, paired_difference
from scripts.experiments.page import markdown_table
from scripts.experiments.recipe_rows import BASELINE, ROWS, RecipeRow
from scripts.experiments.records import Record

POINTS, DENSE = "points", "dense"  # what is learnt from
COMPARED = ("aji", "pq", "detection_f1")


def recipe_markdown(records: Sequence[Record]) -> str:
    """A line for each recipe and kind of labels, with paired differences from the baseline, image by image."""
    header = ["change", "learnt from", "runs", "updates x crops", "parameters", "time", TITLES["aji"]]
    header += [f"{TITLES[name]}: difference" for name in COMPARED] + ["images with better AJI"]
    lines = []
    for labels in (POINTS, DENSE):
        known = [record for record in records if record["labels"] == labels]
        base = values_by_seed(known, BASELINE)
        for row in ROWS:
            if runs := values_by_seed(known, row.name):
                lines.append(
                    _recipe_cells(row, labels, [each for each in known if each["recipe"] == row.name], runs, base)
                )
    return markdown_table(header, lines)


def values_by_seed(records: Iterable[Record], name: str) -> dict[int, Run]:
    """Seed -> image -> metrics of one recipe, whichever fold held the image out."""
    runs: dict[int, Run] = {}
    for record in records:
        if record["recipe"] == name:
            runs.setdefault(record["seed"], {})[record["image"]] = record
    return runs


def _recipe_cells(
    row: RecipeRow, labels: str, records: Sequence[Record], runs: Mapping[int, Run], base: Mapping[int, Run]
) -> list[str]:
    seeds = [seed for seed in runs if seed in base]
    pairs = [(runs[seed], base[seed]) for seed in seeds]
    shared = [(record, other[image]) for run, other in pairs for image, record in run.items() if image in other]
    paced = [(one["minutes"], two["minutes"]) for one, two in shared if "minutes" in one and "minutes" in two]
    first, count = records[0], len({(record["fold"], record["seed"]) for record in records})
    cells = [f"{row.says} (`{row.name}`)", labels, str(count), f"{first['updates']:,} x {first['batch']}"]
    cells += [f"{first['parameters'] / 1e6:.2f} M"]
    cells += [f"{sum(time for time, _ in paced) / sum(time for _, time in paced):.2f}" if paced else ""]
    cells += [f"{sum(record['aji'] for record in records) / len(records):.3f}"]
    if row.name == BASELINE or not pairs:
        return cells + [""] * (len(COMPARED) + 1)
    better = sum(one["aji"] > two["aji"] for one, two in shared)
    return cells + [paired_difference(pairs, name) for name in COMPARED] + [f"{better} of {len(shared)}"]
