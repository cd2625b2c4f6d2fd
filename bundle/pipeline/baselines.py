# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The baselines: other ways of getting a segmenter of the same data set, each a row with its title and its stages.

A new one is a row here, and a file in `configs/variants/` where it needs settings of its own; the command line, the
report and the table of results read this table.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from .stages import DATASET, ELLIPSES, METHOD, REAL_ONLY, Stage, method, prediction_stage, trained_on_real_images

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Baseline:
    """One way of getting a segmenter beside the method.

    Attributes:
        key: its name on the command line, and of its folder below `baselines/`.
        title: for people, in reports and tables.
        stages: in order; the last two train and measure the segmenter.
    """

    key: str
    title: str
    stages: tuple[Stage, ...]


def pseudo_label_baseline(name: str, makes: str, share: float = 1.0, needs: str = "") -> tuple[Stage, Stage, Stage]:
    """A baseline whose labels are made of the points first, by the variant `name`, and then trained on and measured."""
    labels, folder = f"baselines/{name}/pseudo_labels", f"baselines/{name}/segmentation"
    make = Stage(
        name="pseudo_labels",
        folder=labels,
        does=makes,
        config_files=("pseudo_label.yaml",),
        workflow_type="infer",
        reads={"dataset_dir": DATASET},
        images=("training",),
        paced_by=folder,
        share=share,
        variant=name,
        needs=needs,
    )
    train = Stage(
        name="segmentation",
        folder=folder,
        does="trains the segmenter on these",
        config_files=("train.json", "train_on_pseudo_labels.yaml"),
        workflow_type="train",
        reads={"dataset_dir": DATASET, "pseudo_dir": labels},
        images=("training",),
        trainers=("train::trainer",),
        rehearsal=ELLIPSES[0],
        variant=name,
    )
    return make, train, prediction_stage(f"baselines/{name}/predictions", folder)


def online(folder: str = "baselines/online") -> tuple[Stage, Stage]:
    """Training and measuring a segmenter for which the method's generator paints new crops at every update."""
    train = Stage(
        name="segmentation",
        folder=f"{folder}/segmentation",
        does="trains the segmenter on synthetic crops that are painted meanwhile, and on the labelled real images",
        config_files=("train.json", "train_online.yaml"),
        workflow_type="train",
        reads={"dataset_dir": DATASET, "synthesis_dir": "synthesis", "synthetic_dir": "synthetic"},
        images=("training",),
        trainers=("train::trainer",),
        rehearsal=ELLIPSES[0],
    )
    return train, prediction_stage(f"{folder}/predictions", train.folder)


def refined(folder: str = "baselines/refined") -> tuple[Stage, Stage, Stage]:
    """The method with one more round: its segmenter labels the real images anew, and another one is trained on them."""
    make = Stage(
        name="pseudo_labels",
        folder=f"{folder}/pseudo_labels",
        does="labels the real images by what the method's segmenter finds, their colours and their points",
        config_files=("pseudo_label.yaml",),
        workflow_type="infer",
        reads={"dataset_dir": DATASET, "segmentation_dir": "segmentation"},
        images=("training",),
        paced_by=f"{folder}/segmentation",
        share=4.0,
        variant="refined",
    )
    train = replace(
        METHOD[2],
        folder=f"{folder}/segmentation",
        does="trains another segmenter on synthetic images and these labels",
        reads={**METHOD[2].reads, "pseudo_label_dir": make.folder},
    )
    return make, train, prediction_stage(f"{folder}/predictions", train.folder)


def real_only(folder: str = "baselines/real_only") -> tuple[Stage, Stage]:
    """Training and measuring a segmenter on the real images alone, as the method labels them from their points."""
    train = replace(REAL_ONLY[2], folder=f"{folder}/segmentation", variant="real_only")
    return train, prediction_stage(f"{folder}/predictions", train.folder)


_TABLE = (
    Baseline("ellipses", "ellipses as labels of the real images", ELLIPSES),
    Baseline(
        "voronoi",
        "Voronoi cells and colour clusters",
        pseudo_label_baseline("voronoi", "labels the real images by Voronoi cells and colour clusters"),
    ),
    Baseline(
        "geodesic",
        "geodesic objectness",
        pseudo_label_baseline("geodesic", "labels the real images by geodesic distance from the points", 2.0),
    ),
    Baseline(
        "copy_paste",
        "copied nuclei",
        pseudo_label_baseline("copy_paste", "copies nuclei onto other points of their images", 2.0),
    ),
    Baseline(
        "masks",
        "masks of another model",
        pseudo_label_baseline("masks", "labels the real images by the masks in masks_dir", needs="masks_dir"),
    ),
    Baseline("cyclegan", "plain CycleGAN", method("baselines/cyclegan/", "published,plain_cyclegan", real=False)),
    Baseline("real_only", "this method, without synthetic images", real_only()),
    Baseline("online", "this method, painting while the segmenter trains", online()),
    Baseline("refined", "this method, with one more round", refined()),
    Baseline(
        "dense",
        "dense labels (upper bound)",
        trained_on_real_images(
            "dense", "trains the segmenter on the true labels of the real images", ("images", "labels"), ELLIPSES[0]
        ),
    ),
)
BASELINES = {each.key: each for each in _TABLE}
BASELINE_TITLES = {each.key: each.title for each in _TABLE}

COMPARED = ("ellipses", "dense")  # the baselines beside the method where nobody names others


def baseline_stages(names: Iterable[str], overrides: Mapping[str, Any]) -> list[Stage]:
    """The stages of baselines, in order; one that lacks what only the user can give is left out with a warning.

    Args:
        names: of baselines.
        overrides: the user's own, as `parse_overrides` returns them.

    Raises:
        ValueError: there is no such baseline.
    """
    stages: list[Stage] = []
    given = {name.rpartition("/")[2] for name, value in overrides.items() if value not in (None, "")}
    for name in names:
        if name not in BASELINES:
            raise ValueError(f"baseline {name!r}: choose among {', '.join(BASELINES)}")
        lacking = [stage.needs for stage in BASELINES[name].stages if stage.needs and stage.needs not in given]
        if lacking:
            logger.warning("the baseline %s is skipped: it needs --set %s=...", name, lacking[0])
            continue
        stages += BASELINES[name].stages
    return stages
