# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The user's data set as the pipeline sees it: checked before anything runs, then files to hash and pixels to count."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ..data.folder import DataFolder
from ..files.images import read_image
from .request import Request
from .stage_run import StageRun
from .stages import Stage

logger = logging.getLogger(__name__)

# config ids: of the images, um per px at which the networks work, typical diameter of an object in um
CHANNELS, MODEL_MPP, DIAMETER = "channels", "model_mpp", "diameter"


def open_dataset(request: Request, stages: Sequence[Stage]) -> DataFolder:
    """Open the data set and read all that the stages will read.

    Raises:
        FileNotFoundError, ValueError: every problem found, in one message; a training image without points, or
            without a label where a stage trains on labels.
    """
    config = StageRun(request, stages[0]).config
    channels = config.get(CHANNELS, 3)
    dataset = DataFolder(request.dataset_dir, mpp=request.image_mpp, channels=channels, intensity=request.intensity)
    dataset.check_points()
    if request.image_mpp is None and read_image(dataset.training[0].image_path).mpp is None:
        said = "%s: no image says its um per px, so all are taken for the model's %s: state it, --mpp"
        logger.warning(said, request.dataset_dir, config.get(MODEL_MPP))
    dataset.check_labels("testing")
    if any("training" in stage.images and "labels" in stage.parts for stage in stages):
        dataset.as_dicts("training", ("image", "label"))
        dataset.check_labels("training")
    return dataset


def with_diameter(request: Request, stages: Sequence[Stage], dataset: DataFolder) -> Request:
    """The request with its diameter, if it states one, as an override in um for all stages.

    Raises:
        ValueError: it is in px, and the training images have different spacings.
    """
    stated = request.diameter
    if stated is None:
        return request
    diameter = stated.value
    if stated.unit == "px":
        diameter = stated.um(dataset.spacing(), StageRun(request, stages[0]).config[MODEL_MPP])
        logger.info("the typical diameter of %g px is one of %.4g um", stated.value, diameter)
    return replace(request, diameter=None, overrides={**request.overrides, DIAMETER: diameter})


def fit_stages(stages: Sequence[Stage], dataset: DataFolder) -> list[Stage]:
    """The stages as they are; where no image is held out for testing, the training images are segmented instead."""
    if dataset.testing:
        return list(stages)
    logger.warning(
        "%s: no image is held out for testing, so the training images are segmented; to measure on unseen images, name "
        "some under 'testing' in split.json",
        dataset.dataset_dir,
    )
    return [replace(stage, images=("training",)) if stage.images else stage for stage in stages]


def stage_files(dataset: DataFolder, stage: Stage) -> dict[str, Path]:
    """Name -> path of the data set's files that a stage reads."""
    files = {}
    for item in (item for split in stage.images for item in dataset.items(split)):
        paths = {"images": item.image_path, "points": item.points_path, "labels": item.label_path}
        for part in stage.parts:
            if (path := paths[part]) is not None:
                files[f"{part}/{path.name}"] = path
    if dataset.diameters_path and "training" in stage.images and "points" in stage.parts:
        files[dataset.diameters_path.name] = dataset.diameters_path
    if dataset.shares_path and "training" in stage.images:
        files[dataset.shares_path.name] = dataset.shares_path
    return files


def stage_pixels(run: StageRun, dataset: DataFolder) -> int:
    """Pixels of the images that a stage goes over, at the networks' spacing, taking all for as large as the first."""
    items = [item for split in run.stage.images for item in dataset.items(split)]
    if not items:
        return 0
    first = read_image(items[0].image_path)
    spacing, working = run.request.image_mpp or first.mpp, run.config.get(MODEL_MPP)
    scale = spacing / working if spacing and isinstance(working, int | float) else 1.0
    return int(len(items) * first.array.shape[1] * first.array.shape[2] * scale**2)


def describe_dataset(dataset: DataFolder) -> str:
    """One line: how many images of each kind."""
    labelled = sum(item.label_path is not None for item in dataset.testing)
    testing = f"{len(dataset.testing)} testing images, {labelled} of them with labels to measure with"
    return f"{dataset.dataset_dir}: {len(dataset.training)} training images with points, {testing}"
