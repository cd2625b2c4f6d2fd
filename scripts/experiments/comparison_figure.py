# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The picture of the table of results: crops of testing images as every row segments them (paper, Fig. 3)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from bundle.data.folder import DataFolder
from bundle.files.labels import read_label
from bundle.files.pictures import PREDICTION, TRUTH, enlarge_label, load_rgb, outlined
from bundle.inference.batch import Outputs
from bundle.report.pictures import evenly_chosen
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter
from scripts.experiments.comparison import ResultRow, metrics_path
from transforms.instances.seeds import contacts

Label = NDArray[np.integer]
Corner = tuple[int, int]  # y, x

ENLARGED = 2  # px of the picture for a px of the image


def draw_results(
    path: Path,
    root: Path,
    rows: Sequence[ResultRow],
    folder: DataFolder,
    seed: int = 0,
    images: int = 4,
    side: int = 160,
    hard: int = 56,
) -> None:
    """Write a PNG: a line for each of some testing images; its true outlines, then those that each row has found.

    The crop is where most objects touch, and a box marks the hardest place in it.

    Args:
        path: the PNG.
        root: of the table's runs.
        rows: those to show, where they are finished.
        folder: the data set, with labels of its testing images.
        seed: of the runs.
        images: how many images, evenly spread over the list of testing images.
        side: of a crop, px of the image.
        hard: side of the box, px of the image.

    Raises:
        FileNotFoundError: no row has segmented the images.
    """
    measured = {row.name: metrics_path(root, row, seed) for row in rows}
    finished = {name: path.parent for name, path in measured.items() if path.is_file()}
    if not finished:
        raise FileNotFoundError(f"{root}: no row has segmented anything yet: run the table first")
    items = evenly_chosen([item for item in folder.testing if item.label_path], images)
    page = Figure(figsize=(1.7 * (len(finished) + 1), 1.75 * len(items) + 0.2), layout="constrained")
    axes = page.subplots(len(items), len(finished) + 1, squeeze=False)
    for line, item in zip(axes, items, strict=True):
        truth, picture = folder.load_label(item)[0].numpy(), load_rgb(item.image_path)
        y, x = touching_window(truth, side)
        crop = (slice(y, y + side), slice(x, x + side))
        box = touching_window(truth[crop], hard)
        shown = [(truth, TRUTH)]
        shown += [
            (read_label(Outputs.of(place, item.name).label)[0].numpy(), PREDICTION) for place in finished.values()
        ]
        for panel, (label, colour) in zip(line, shown, strict=True):
            enlarged = np.repeat(np.repeat(picture[crop], ENLARGED, 0), ENLARGED, 1)
            panel.imshow(outlined(enlarged, enlarge_label(label[crop], ENLARGED), colour))
            corner = (box[1] * ENLARGED, box[0] * ENLARGED)
            panel.add_patch(Rectangle(corner, hard * ENLARGED, hard * ENLARGED, fill=False, edgecolor="black", lw=1.2))
            panel.set_axis_off()
    for panel, title in zip(axes[0], ["true outlines", *finished], strict=True):
        panel.set_title(title, fontsize=8)
    path.parent.mkdir(parents=True, exist_ok=True)
    page.savefig(path, dpi=110)


def touching_window(label: Label, side: int) -> Corner:
    """The corner (y, x) of the window of a label (H, W) along whose pixels most objects touch each other.

    Args:
        label: ids (H, W).
        side: of the window, px; it is no larger than the label.
    """
    height, width = (min(side, length) for length in label.shape)
    touching = contacts(label).astype(np.float64)
    sums = uniform_filter(touching, (height, width), mode="constant")  # of the window around each pixel
    inner = sums[
        height // 2 : height // 2 + label.shape[0] - height + 1, width // 2 : width // 2 + label.shape[1] - width + 1
    ]
    y, x = np.unravel_index(int(inner.argmax()), inner.shape)
    return int(y), int(x)
