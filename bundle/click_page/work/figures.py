# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""What a training changed, told by clicks alone: the model before and after it on the same images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...annotations.tile_set import TILES
from ...data.folder import DataFolder
from ...data.items import Item
from ...files.pictures import PREDICTION, dotted, load_rgb, outlined
from ...label_server.query import Query
from ...metrics import point_metrics

RADIUS_UM = 3.0  # how far an object's centre may lie from its click
SIDE = 128  # px of the picture that is compared
SHOWN = ("detection_f1", "count_error")


@dataclass(frozen=True)
class Figures:
    """How a model's objects fit clicks.

    Attributes:
        detection_f1: mean over the images.
        count_error: (objects - clicks) / clicks, mean over the images.
        images: how many.
        kept_back: whether none of them was trained on.
        picture: uint8 (h, w, 3), the middle of the first of them with outlines and clicks.
    """

    detection_f1: float
    count_error: float
    images: int
    kept_back: bool
    picture: NDArray[np.uint8]

    def __str__(self) -> str:
        return f"detection F1 {self.detection_f1:.3f}, {self.count_error:+.0%} objects"


def measure_by_clicks(query: Query, data: Path) -> Figures:
    """Measure a model by the clicks of a data set: on its testing images, on all where it has none.

    Raises:
        OSError, ValueError: as `DataFolder` and `Query.segmenter`.
    """
    segmenter = query.segmenter()
    stated = None if (data / TILES).is_file() else query.mpp  # tiles have another spacing than their images, and say it
    folder = DataFolder(data, stated, segmenter.channels, intensity=query.intensity or segmenter.intensity)
    kept_back = [item for item in folder.testing if item.points_path]
    items: Sequence[Item] = kept_back or folder.training
    rows, picture = [], None
    for item in items:
        sample = folder.load(item)
        mpp = sample["mpp"] or segmenter.mpp
        label = segmenter(sample["image"], mpp).label
        rows.append([point_metrics(label, sample["points"], RADIUS_UM / mpp)[name] for name in SHOWN])
        if picture is None:
            drawn = outlined(load_rgb(item.image_path), label[0].numpy(), PREDICTION)
            picture = _middle(dotted(drawn, sample["points"].numpy(), 2.0))
    if picture is None:
        raise ValueError(f"{data}: holds no image with clicks to measure with")
    f1, error = np.nanmean(np.array(rows), axis=0).tolist()
    return Figures(f1, error, len(items), bool(kept_back), picture)


def _middle(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    top, left = (max((length - SIDE) // 2, 0) for length in picture.shape[:2])
    return picture[top : top + SIDE, left : left + SIDE]
