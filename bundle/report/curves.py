# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Learning curves as SVG that takes the page's own text colour, light or dark."""

from __future__ import annotations

import io
from collections.abc import Mapping

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

COLOURS = ("#3b82f6", "#f59e0b", "#10b981", "#ef4444", "#a855f7")
TEXT = "#010203"  # stands for the page's text colour until the SVG is written
NOT_TERMS = ("step", "seconds", "epoch")
COLUMNS = 4


def learning_curves(runs: Mapping[str, Mapping[str, np.ndarray]], salt: str) -> str:
    """One small panel per loss term, over updates: every reading faintly, their running mean as a line.

    Args:
        runs: title of a run -> its columns as `read_losses` returns them; equal names of terms share a panel.
        salt: makes the ids inside this SVG differ from those of others on the page.

    Returns:
        An `<svg>` element, or "" where no run has a reading.
    """
    runs = {title: columns for title, columns in runs.items() if len(columns.get("step", ()))}
    terms = list(dict.fromkeys(name for columns in runs.values() for name in columns if name not in NOT_TERMS))
    if not terms:
        return ""
    rows = -(-len(terms) // COLUMNS)
    figure = Figure(figsize=(11.5, 2.1 * rows), layout="constrained")
    with matplotlib.rc_context({"svg.hashsalt": salt, "svg.fonttype": "none", "font.size": 9}):
        panels = figure.subplots(rows, COLUMNS, squeeze=False).ravel()
        for panel, term in zip(panels, terms, strict=False):
            _draw(panel, term, runs)
        for panel in panels[len(terms) :]:
            panel.set_visible(False)
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    text = buffer.getvalue()
    return text[text.index("<svg") :].replace(TEXT, "currentColor")


def _draw(panel: Axes, term: str, runs: Mapping[str, Mapping[str, np.ndarray]]) -> None:
    for colour, (title, columns) in zip(COLOURS, runs.items(), strict=False):
        if term in columns:
            steps, values = thinned(columns["step"], columns[term])
            panel.plot(steps, values, color=colour, alpha=0.25, linewidth=0.8)
            marker = "o" if len(steps) == 1 else ""  # a line of one reading would not show
            panel.plot(steps, running_mean(values), color=colour, linewidth=1.5, marker=marker, label=title)
    panel.set_title(term.replace("_", " "), fontsize=9, color=TEXT)
    panel.tick_params(colors=TEXT, labelsize=7)
    panel.spines[["top", "right"]].set_visible(False)
    panel.spines[["left", "bottom"]].set_color(TEXT)


def running_mean(values: np.ndarray) -> np.ndarray:
    """Mean over a window of about a tenth of the readings (n,), shorter at both ends; NaN readings are left out."""
    half = max(len(values) // 20, 1)
    kernel = np.ones(2 * half + 1)
    known = ~np.isnan(values)
    sums = np.convolve(np.where(known, values, 0.0), kernel)[half : half + len(values)]
    counts = np.convolve(known.astype(float), kernel)[half : half + len(values)]
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)


def thinned(steps: np.ndarray, values: np.ndarray, most: int = 400) -> tuple[np.ndarray, np.ndarray]:
    """At most `most` readings: means over equal runs of readings, at their mean step."""
    if len(steps) <= most:
        return steps, values
    blocks = np.array_split(np.arange(len(steps)), most)
    return np.array([steps[block].mean() for block in blocks]), np.array([values[block].mean() for block in blocks])
