# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Draw docs/method.png, the picture of the method, from the results of a demonstration.

    python -m scripts.method_figure draw --demo_dir demo_output --path docs/method.png

Every panel is a real result: nothing in it is drawn by hand.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
from matplotlib.figure import Figure

from bundle.data.folder import DataFolder
from bundle.data.labels import read_label
from bundle.inference.overlay import overlay
from bundle.report.pictures import coloured
from scripts.command_line import run_command
from transforms.hover import hover_map

SIDE = 160  # px that are shown
CAPTIONS = (
    "what you give:\nimages with points",
    "ellipses around\nthe points",
    "hover map: offsets\nand foreground",
    "painted onto it\nby a GAN",
    "what you get: a segmenter\n(on an unseen image)",
)


def draw(demo_dir: str = "demo_output", path: str = "docs/method.png") -> None:
    """Draw the five steps of the method side by side.

    Args:
        demo_dir: what `python -m scripts.pipeline demo --output` wrote.
        path: PNG to write.
    """
    dataset, results = DataFolder(Path(demo_dir) / "dataset"), Path(demo_dir) / "results"
    clicked, unseen = (dataset.load(item) for item in (dataset.training[0], dataset.testing[0]))
    pairs = DataFolder(results / "synthetic")
    pair = pairs.training[0]
    label = pairs.load_label(pair)
    found = read_label(results / "predictions" / "labels" / f"{dataset.testing[0].name}.tif")
    panels = (
        as_pixels(clicked["image"].numpy()),
        coloured(label[0].numpy()),
        as_pixels(np.concatenate([hover_map(label)[:2].numpy() / 2 + 0.5, hover_map(label)[2:].numpy()])),
        as_pixels(pairs.load(pair)["image"].numpy()),
        overlay(unseen["image"], found),
    )
    page = Figure(figsize=(12.5, 3.0), layout="constrained")
    axes = page.subplots(1, len(panels))
    for axis, panel, caption in zip(axes, panels, CAPTIONS, strict=True):
        axis.imshow(panel[:SIDE, :SIDE], interpolation="nearest")
        axis.set_title(caption, fontsize=10)
        axis.set_axis_off()
    points = clicked["points"][(clicked["points"] < SIDE).all(1)]
    axes[0].plot(*points.numpy().T, "o", markersize=2.5, color="yellow", markeredgecolor="black", markeredgewidth=0.4)
    page.savefig(path, dpi=110)


def as_pixels(image: np.ndarray) -> np.ndarray:
    """(3, H, W) in [0, 1] to (H, W, 3)."""
    return np.moveaxis(image, 0, 2).clip(0, 1)


if __name__ == "__main__":
    run_command({"draw": draw})
