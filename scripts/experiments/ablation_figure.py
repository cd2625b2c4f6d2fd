# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The picture of an experiment: the same masks, painted by each row (after the paper's Fig. 2)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from bundle.data.folder import DataFolder
from bundle.files.images import load_image
from bundle.files.labels import read_label
from bundle.files.pictures import coloured
from bundle.inference.painting import load_image_generator
from matplotlib.figure import Figure
from scripts.experiments.ablation_rows import AblationRow
from torch import Tensor
from transforms.maps.style import image_style
from transforms.random_streams import generator
from transforms.resample import resample_image

OTHER_NOISE = 3  # last key of the draw of the second picture of a mask


def draw_figure(
    path: Path, root: Path, rows: Sequence[AblationRow], folder: DataFolder, images: Sequence[int], side: int = 128
) -> None:
    """Write a PNG: a line for each image; its mask, the real image, then two noises of each row that is finished.

    Args:
        path: the PNG.
        root: of the experiment.
        rows: those to show, each at the first of its seeds that has painted.
        folder: the real images.
        images: places of the images to show in the part "training".
        side: of the crop from the middle of each image, px at the networks' spacing.

    Raises:
        FileNotFoundError: none of the rows has painted.
    """
    folders = {row.name: [row.folder(root, seed) for seed in row.seeds] for row in rows}
    finished = {name: done[0] for name, runs in folders.items() if (done := [run for run in runs if has_painted(run)])}
    if not finished:
        raise FileNotFoundError(f"{root}: no row has painted anything yet: run the experiment first")
    columns: dict[str, list[np.ndarray]] = {"mask": [], "real image": []}
    for place in images:
        item = folder.training[place]
        label = read_label(next(iter(finished.values())) / "synthetic" / "labels" / f"{item.name}_000.tif")
        columns["mask"].append(coloured(centre(label, side)[0].numpy()))
        real = resample_image(load_image(item.image_path, folder.channels).image, (label.shape[-2], label.shape[-1]))
        columns["real image"].append(as_pixels(centre(real, side)))
        for name, run in finished.items():
            for noise in range(2):
                columns.setdefault(f"{name}, noise {noise + 1}", []).append(
                    as_pixels(centre(painted(run, label, real, place, noise), side))
                )
    _write_figure(path, columns)


def has_painted(run: Path) -> bool:
    """Whether the folder of a run holds synthetic images."""
    return (run / "synthetic" / "images").is_dir()


def painted(run: Path, label: Tensor, real: Tensor, place: int, noise: int) -> Tensor:
    """One image of a run's generator on a label (1, H, W), in the style of a real one: float (C, H, W) in [0, 1]."""
    image_generator = load_image_generator(run / "synthesis" / "generator.pt")
    return image_generator.paint(label, generator(0, place, noise, OTHER_NOISE), image_style(real[None])[0])


def centre(image: Tensor, side: int) -> Tensor:
    """The middle (C, side, side) of (C, H, W)."""
    top, left = ((length - side) // 2 for length in image.shape[-2:])
    return image[:, max(top, 0) : max(top, 0) + side, max(left, 0) : max(left, 0) + side]


def as_pixels(image: Tensor) -> np.ndarray:
    """(C, H, W) in [0, 1] to (H, W, 3)."""
    return torch.as_tensor(image).expand(3, -1, -1).permute(1, 2, 0).clamp(0, 1).numpy()


def _write_figure(path: Path, columns: dict[str, list[np.ndarray]]) -> None:
    lines = len(columns["mask"])
    page = Figure(figsize=(1.25 * len(columns), 1.3 * lines + 0.3), layout="constrained")
    axes = page.subplots(lines, len(columns), squeeze=False)
    for column, (title, panels) in enumerate(columns.items()):
        axes[0, column].set_title(title, fontsize=7)
        for line, panel in enumerate(panels):
            axes[line, column].imshow(panel, interpolation="nearest")
            axes[line, column].set_axis_off()
    path.parent.mkdir(parents=True, exist_ok=True)
    page.savefig(path, dpi=105)  # a panel of 128 px at about its own size
