# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""How good labels made of points are: each way to label, against outlines, with clicks more or less exact."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from statistics import mean
from typing import NamedTuple

import numpy as np
import torch
from bundle.data.folder import DataFolder
from bundle.data.training_images import PointedImage
from bundle.files.bundle_root import MODEL
from bundle.files.images import check_mpp
from bundle.files.labels import read_label
from bundle.inference.model import load_network, segmenter_of
from bundle.inference.outputs import OUTLINE_SMOOTHING
from bundle.inference.pseudo_label_refiner import PseudoLabelRefiner
from bundle.inference.pseudo_labels import PseudoLabeller, VoronoiLabeller
from bundle.inference.test_time_augmentation import FLIPS
from bundle.metrics import evaluate_label
from scripts.experiments.degrade import Degradation, degrade_points
from scripts.experiments.options import numbers
from scripts.experiments.page import around, enter, markdown_table
from tqdm import tqdm
from transforms.resample import resample_image, resample_label, resample_points, working_size

logger = logging.getLogger(__name__)

MEASURED = ("AJI", "PQ", "recall", "precision")


class OutlinedImage(NamedTuple):
    """An image whose outlines are known."""

    name: str
    pointed: PointedImage  # at the model's spacing
    truth: np.ndarray  # int32 (H, W), at the image's own

    @property
    def median_area(self) -> float:
        """Of its objects, px of its own."""
        return float(np.median(np.bincount(self.truth.ravel())[1:]))


def pseudo_labels(
    dataset_dir: str,
    image_mpp: float | None = None,
    model: str = str(MODEL),
    noise: str = "0,0.5,1,2",
    every: int = 1,
    diameter: float = 6.0,
    seed: int = 0,
    page: str = "",
) -> None:
    """Label training images by their points in each way, and measure the labels by outlines.

    Args:
        dataset_dir: data folder with labels; of its training images those of the testing part are no matter.
        image_mpp: (or --mpp) um per px of its images; without it their tags are asked.
        model: weights that label, with their description; best those that have not seen these images.
        noise: standard deviations, along x and y each, of clicks around the centres, um.
        every: 2: every second image alone, and so on.
        diameter: typical diameter of an object, um.
        seed: of the noise.
        page: Markdown page with places for the tables `pseudo-labels` and `pseudo-labels of each image`.

    Raises:
        ValueError: no image has a label.
    """
    tables = {"pseudo-labels": "", "pseudo-labels of each image": ""}
    for name in tables:
        around(page, name)
    segmenter = segmenter_of(load_network(model), augmentation=FLIPS)
    plain, stars = (
        PseudoLabelRefiner(
            segmenter,
            1.7 * diameter,
            diameter / 6,
            diameter,
            outline_smoothing=OUTLINE_SMOOTHING,
            star_shapes=star_shapes,
        )
        for star_shapes in (False, True)
    )
    ways = {"Voronoi cells": VoronoiLabeller(segmenter.mpp, diameter), "pixels": plain, "star shapes": stars}
    folder = DataFolder(Path(dataset_dir), check_mpp(image_mpp), segmenter.channels)
    deviations = numbers("noise", noise)
    lines, each = [], []
    for deviation in deviations:
        found = [
            (known, {way: measure_labeller(labeller, known) for way, labeller in ways.items()})
            for known in outlined_images(
                folder, segmenter.mpp, diameter, every, Degradation(noise=deviation, seed=seed)
            )
        ]
        if not found:
            raise ValueError(f"{dataset_dir}: no training image has a label to measure with: give outlines in labels/")
        for way in ways:
            means = [mean(metrics[way][key] for _, metrics in found) for key in MEASURED]
            lines.append([f"{deviation:g}", way, *(f"{value:.3f}" for value in means)])
            logger.info(" | ".join(lines[-1]))
        if deviation == deviations[0]:
            each = [image_line(known, metrics) for known, metrics in found]
    tables["pseudo-labels"] = markdown_table(["clicks off by, um", "labels by", *MEASURED], lines)
    header = ["image", "objects", "median px", *(f"{way}: AJI, recall, precision" for way in ways)]
    tables["pseudo-labels of each image"] = markdown_table(header, each)
    for name, table in tables.items():
        enter(page, name, table)


def outlined_images(
    folder: DataFolder, mpp: float, diameter: float, every: int, degradation: Degradation
) -> Iterator[OutlinedImage]:
    """The training images that have a label, with clicks moved by the degradation's noise."""
    labelled = [item for item in folder.training if item.label_path is not None][::every]
    for number, item in enumerate(tqdm(labelled, unit="image", disable=None)):
        sample = folder.load(item)
        image, own = sample["image"], sample["mpp"] or mpp
        size = (image.shape[1], image.shape[2])
        moved, _ = degrade_points(sample["points"], size, degradation.noise / own, number, degradation)
        target = working_size(size, own, mpp)
        pointed = PointedImage(resample_image(image, target), resample_points(moved, size, target), diameter / mpp)
        yield OutlinedImage(item.name, pointed, read_label(item.label_path, size)[0].numpy())


def measure_labeller(labeller: PseudoLabeller, known: OutlinedImage) -> Mapping[str, float]:
    """One way to label one image, at the image's size, against its outlines."""
    label, _ = labeller.label(known.name, known.pointed.size, known.pointed)
    fine = labeller.with_smooth_outlines(resample_label(label, known.truth.shape), label)
    metrics = evaluate_label(fine, torch.from_numpy(known.truth)[None])
    inside, true = fine[0].numpy() > 0, known.truth > 0
    shared = float(np.sum(inside & true))
    recall, precision = shared / max(int(np.sum(true)), 1), shared / max(int(np.sum(inside)), 1)
    return {"AJI": metrics["aji"], "PQ": metrics["pq"], "recall": recall, "precision": precision}


def image_line(known: OutlinedImage, metrics: Mapping[str, Mapping[str, float]]) -> list[str]:
    """The cells of one image."""
    told = [", ".join(f"{found[key]:.2f}" for key in ("AJI", "recall", "precision")) for found in metrics.values()]
    return [known.name, str(len(np.unique(known.truth)) - 1), f"{known.median_area:.0f}", *told]
