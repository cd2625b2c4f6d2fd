# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The stage `predictions`: segment one part of a data set, then measure the labels by whatever truth there is."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from tqdm import tqdm

from ..data.folder import DataFolder
from ..data.items import Item
from ..files.labels import read_label
from ..metrics import LABEL_METRICS, POINT_METRICS, evaluate_label, write_image_metrics
from .batch import BatchSegmenter, Outputs

logger = logging.getLogger(__name__)


class Evaluation:
    """Segments images of a data set and measures those that have a label, or at least points.

    Written are labels/, overlays/ and objects/ of every image and, where anything could be measured, `metrics.csv` with
    a line for each measured image and `metrics.json` with mean and standard deviation.

    Args:
        folder: the data set.
        segmenter: segments files and has a place for the results.
        split: the part of the data set: "testing" or "training".
        detection_radius: how far a found centre may lie from a true one, um; divided by each image's um per px.
    """

    def __init__(
        self, folder: DataFolder, segmenter: BatchSegmenter, split: str = "testing", detection_radius: float = 3.0
    ) -> None:
        self.folder, self.segmenter, self.split = folder, segmenter, split
        self.detection_radius = detection_radius

    def run(self) -> list[dict[str, Any]]:
        """Segment and measure.

        Returns:
            The rows of `metrics.csv`: for each measured image its name and metric -> value.

        Raises:
            ValueError: the part holds no image; a label is bad or of another size than its image, found out before
                anything is segmented; an image could not be segmented.
        """
        items = self.folder.items(self.split)
        if not items:
            raise ValueError(
                f"{self.folder.dataset_dir}: no image in the part {self.split!r}: name some in split.json, or set split"
            )
        self.folder.check_labels(self.split)
        self.segment(items)
        rows = [self.measure(item) for item in items if item.label_path or item.points_path]
        self._say(items, rows)
        self._write(rows)
        return rows

    def segment(self, items: Sequence[Item]) -> None:
        """Write the results of all images; those that are there already stay, unless the segmenter overwrites."""
        summary = self.segmenter.run(tqdm([item.image_path for item in items], unit="image", disable=None))
        logger.info("%s: %s", self.segmenter.output, summary)
        if summary.failed:
            raise ValueError(
                f"{len(summary.failed)} of {len(items)} images could not be segmented, so nothing is measured: "
                f"{'; '.join(list(summary.failed.values())[:3])}: mend them and run again"
            )

    def measure(self, item: Item) -> dict[str, Any]:
        """Name and metrics of one segmented image, as `evaluate_label`; at least a label or points must be there."""
        sample = self.folder.load(item)
        size = (sample["image"].shape[-2], sample["image"].shape[-1])
        pred = read_label(Outputs.of(self.segmenter.output, item.name).label, size)  # (1, H, W)
        truth = read_label(item.label_path, size) if item.label_path else None
        points = sample["points"] if item.points_path else None
        mpp = sample["mpp"] or self.segmenter.segmenter.mpp  # unknown: taken for the model's, as when segmenting
        return {"name": item.name, **evaluate_label(pred, truth, points, self.detection_radius / mpp)}

    def _say(self, items: Sequence[Item], rows: Sequence[dict[str, Any]]) -> None:
        with_label = sum(item.label_path is not None for item in items)
        with_points = sum(item.points_path is not None for item in items)
        logger.info(
            "%d of %d images measured: %d have a label, %d have points", len(rows), len(items), with_label, with_points
        )
        computed = {metric for row in rows for metric in row}
        lacking = [metric for metric in dict.fromkeys((*LABEL_METRICS, *POINT_METRICS)) if metric not in computed]
        if lacking:
            logger.info("not computed, for want of %s: %s", "points" if with_label else "labels", ", ".join(lacking))

    def _write(self, rows: Sequence[dict[str, Any]]) -> None:
        if rows:
            write_image_metrics(rows, self.segmenter.output)
            return
        for name in ("metrics.csv", "metrics.json"):  # of an earlier run, when there still was a truth
            (self.segmenter.output / name).unlink(missing_ok=True)
