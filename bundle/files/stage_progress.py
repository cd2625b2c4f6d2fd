# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""How far a stage is, as its folder tells: the readings of its losses, its updates, and how long it took."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np

from .manifest_file import read_manifest

LOSSES = "losses.csv"  # step, seconds of training until then, terms of the loss; a stage may hold one for each engine


def read_losses(path: Path) -> dict[str, np.ndarray]:
    """`losses.csv` as column -> values (n,) float64; {} where there is none. A line that was cut short is left out."""
    if not path.is_file():
        return {}
    with open(path, newline="", encoding="utf-8") as file:
        lines = list(csv.reader(file))
    if len(lines) < 2:
        return {}
    whole = [line for line in lines[1:] if len(line) == len(lines[0])]
    values = np.array([[number_or_nan(cell) for cell in line] for line in whole], dtype=np.float64)
    return {name: values.reshape(-1, len(lines[0]))[:, column] for column, name in enumerate(lines[0])}


def updates_done(folder: Path) -> int:
    """Updates that the training in this folder has reported; 0 where there is none."""
    return int(_last(folder / LOSSES, "step"))


def stage_seconds(folder: Path) -> float:
    """How long a stage took so far; 0 where nothing tells.

    A session that was killed wrote no end. After one, the clock of the stage's training counts, which goes on from the
    checkpoint when a run is resumed, so that updates which were lost and done again count once; a stage that trains
    nothing has its last session alone.
    """
    sessions = (read_manifest(folder) or {}).get("sessions", [])
    known = [session.get("seconds") for session in sessions]
    ended = sum(seconds or 0 for seconds in known)
    if None not in known:
        return ended
    return max(ended, sum(_last(path, "seconds") for path in folder.rglob(LOSSES)))


def finished_at(folder: Path) -> str:
    """When a stage's last session ended, as "2026-01-31 12:59", UTC; "" where nothing tells."""
    sessions = (read_manifest(folder) or {}).get("sessions") or [{}]
    return str(sessions[-1].get("finished") or "")[:16].replace("T", " ")


def _last(path: Path, column: str) -> float:
    """The largest value of a column, of one that only grows the last; 0 where there is none."""
    return float(np.nan_to_num(read_losses(path).get(column, np.zeros(0))).max(initial=0.0))


def number_or_nan(text: str | None) -> float:
    """What a cell of a table says; NaN where that is no number."""
    try:
        return float(text or "nan")
    except ValueError:
        return math.nan
