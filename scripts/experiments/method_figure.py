# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Draw the picture of the method, docs/method.png, from the results of a run.

    python -m scripts.experiments.method_figure draw demo_output/dataset demo_output/results --path docs/method.png

Every panel is a real result: nothing in it is drawn by hand.
"""

from __future__ import annotations

from pathlib import Path

import torch
from bundle.data.folder import DataFolder
from bundle.files.labels import read_label
from bundle.files.pictures import coloured
from bundle.inference.batch import Outputs
from bundle.inference.model import load_network
from bundle.objects.overlay import overlay
from matplotlib.figure import Figure
from scripts.command_line import run_command
from scripts.experiments.ablation_figure import as_pixels
from transforms.maps.hover import hover_map

SIDE = 160  # px that are shown
CAPTIONS = (
    "what you give:\nimages with points",
    "ellipses around\nthe points",
    "hover map: offsets\nand foreground",
    "painted onto it\nby a GAN",
    "what you get: a segmenter\n(on an unseen image)",
)


def draw_method(
    dataset_dir: str, output_dir: str, path: str, image_mpp: float | None = None, clicked: int = 0, unseen: int = 0
) -> None:
    """Draw the five steps of the method side by side, on the upper left corner of two images.

    Args:
        dataset_dir: the data set of the run; for the demonstration demo_output/dataset.
        output_dir: the output folder of `scripts.pipeline run`; for the demonstration demo_output/results.
        path: PNG to write; one that is there is replaced.
        image_mpp: (or --mpp) micrometres per pixel of the images; without it their TIFF tags are asked.
        clicked: place, from 0, in the list of training images of the one that is shown with its points.
        unseen: place in the list of testing images of the one that is shown segmented.

    Raises:
        FileNotFoundError: the run is not finished.
        ValueError: there is no such image, or none was painted for it.
    """
    channels = load_network(Path(output_dir) / "segmentation").card.channels
    dataset = DataFolder(dataset_dir, image_mpp, channels)
    pairs = DataFolder(Path(output_dir) / "synthetic", channels=channels)
    for name, place, items in (("clicked", clicked, dataset.training), ("unseen", unseen, dataset.testing)):
        if not 0 <= place < len(items):
            raise ValueError(f"{name} is {place}: {dataset_dir} has {len(items)} such images, counted from 0")
    first, last = dataset.training[clicked], dataset.testing[unseen]
    pair = next((pair for pair in pairs.training if pair.name.startswith(f"{first.name}_")), None)
    if pair is None:
        raise ValueError(f"{pairs.dataset_dir}: no image is painted for {first.name}: choose another with clicked")
    label, sample = pairs.load_label(pair), dataset.load(first)
    offsets = hover_map(label)
    found = read_label(Outputs.of(Path(output_dir) / "predictions", last.name).label)
    panels = (
        as_pixels(sample["image"]),
        coloured(label[0].numpy()),
        as_pixels(torch.cat([offsets[:2] / 2 + 0.5, offsets[2:]])),
        as_pixels(pairs.load(pair)["image"]),
        overlay(dataset.load(last)["image"], found),
    )
    page = Figure(figsize=(12.5, 3.0), layout="constrained")
    axes = page.subplots(1, len(panels))
    for axis, panel, caption in zip(axes, panels, CAPTIONS, strict=True):
        axis.imshow(panel[:SIDE, :SIDE], interpolation="nearest")
        axis.set_title(caption, fontsize=10)
        axis.set_axis_off()
    points = sample["points"][(sample["points"] < SIDE).all(1)]
    axes[0].plot(*points.numpy().T, "o", markersize=2.5, color="yellow", markeredgecolor="black", markeredgewidth=0.4)
    page.savefig(path, dpi=110)


if __name__ == "__main__":
    run_command({"draw": draw_method})
