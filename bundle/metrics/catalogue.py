# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The metrics by name: a new one is a function of a comparison and a row here; tables, reports and handlers follow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Generic, Literal, TypeVar

import numpy as np
from monai.config import NdarrayOrTensor

from .detection import detection_f1, object_centres, objects_at, point_array
from .objects import PanopticQuality, aggregated_jaccard, object_dice, panoptic_quality
from .overlap import Overlaps, label_array, overlaps
from .pixel import pixel_f1, pixel_iou

Better = Literal["higher", "lower", "zero"]
NAN = float("nan")


@dataclass(frozen=True)
class LabelComparison:
    """A predicted label beside a true one; what several metrics need is computed once.

    Args:
        pred: predicted label, (H, W) or (1, H, W), integer ids, 0 = background.
        truth: true label of the same size.
        radius: of the detection F1, px.
    """

    pred: NdarrayOrTensor
    truth: NdarrayOrTensor
    radius: float

    @cached_property
    def pairs(self) -> Overlaps:
        """The joint histogram of the two labels."""
        return overlaps(self.pred, self.truth)

    @cached_property
    def panoptic(self) -> PanopticQuality:
        """PQ with its two factors."""
        return panoptic_quality(self.pairs)

    def detection_f1(self) -> float:
        """Between the centres of mass of the objects of both."""
        return detection_f1(object_centres(self.pred), object_centres(self.truth), self.radius)


@dataclass(frozen=True)
class PointComparison:
    """A predicted label beside true points; what several metrics need is computed once.

    Args:
        pred: predicted label, (H, W) or (1, H, W), integer ids, 0 = background.
        points: true points (N, 2), x and y in px, inside the image.
        radius: of the detection F1, px.
    """

    pred: NdarrayOrTensor
    points: NdarrayOrTensor
    radius: float

    @cached_property
    def true(self) -> np.ndarray:
        """The points, (N, 2) float64."""
        return point_array(self.points, "points")

    @cached_property
    def centres(self) -> np.ndarray:
        """Centres of mass of the predicted objects, (M, 2) float64, px."""
        return object_centres(self.pred)

    @cached_property
    def held(self) -> np.ndarray:
        """Ids of the objects that hold a point, one for each such point."""
        ids = objects_at(label_array(self.pred, "pred"), self.true)
        return ids[ids > 0]

    def share(self, count: int) -> float:
        """A number of points as a share of all; NaN where there is neither a point nor an object."""
        return NAN if len(self.true) == 0 and len(self.centres) == 0 else count / max(len(self.true), 1)

    def alone(self) -> int:
        """How many points lie in an object that holds no other point."""
        return int(np.count_nonzero(np.unique(self.held, return_counts=True)[1] == 1))

    def count_error(self) -> float:
        """(objects - points) / points; NaN without points."""
        return (len(self.centres) - len(self.true)) / len(self.true) if len(self.true) else NAN


Comparison = TypeVar("Comparison", LabelComparison, PointComparison)


@dataclass(frozen=True)
class Metric(Generic[Comparison]):
    """One number of one image.

    Attributes:
        key: in files.
        title: for people.
        better: "higher", "lower", or "zero" where a deviation to either side is bad.
        measure: the number, NaN where the image is not counted.
    """

    key: str
    title: str
    better: Better
    measure: Callable[[Comparison], float]


OF_LABELS: tuple[Metric[LabelComparison], ...] = (
    Metric("iou", "IoU", "higher", lambda seen: pixel_iou(seen.pairs)),
    Metric("f1", "F1", "higher", lambda seen: pixel_f1(seen.pairs)),
    Metric("dice", "object Dice", "higher", lambda seen: object_dice(seen.pairs)),
    Metric("aji", "AJI", "higher", lambda seen: aggregated_jaccard(seen.pairs)),
    Metric("pq", "PQ", "higher", lambda seen: seen.panoptic.pq),
    Metric("dq", "DQ", "higher", lambda seen: seen.panoptic.dq),
    Metric("sq", "SQ", "higher", lambda seen: seen.panoptic.sq),
    Metric("detection_f1", "detection F1", "higher", LabelComparison.detection_f1),
)
OF_POINTS: tuple[Metric[PointComparison], ...] = (
    Metric("detection_f1", "detection F1", "higher", lambda seen: detection_f1(seen.centres, seen.true, seen.radius)),
    Metric("points_inside", "points inside", "higher", lambda seen: seen.share(seen.held.size)),
    Metric("points_alone", "points alone", "higher", lambda seen: seen.share(seen.alone())),
    Metric("count_error", "count error", "zero", PointComparison.count_error),
)
LABEL_METRICS = tuple(metric.key for metric in OF_LABELS)
POINT_METRICS = tuple(metric.key for metric in OF_POINTS)

OUTLINE_COLUMNS = ("aji", "pq", "iou", "f1", "dice")  # of every table of results, in this order
MAIN_COLUMNS = (*OUTLINE_COLUMNS, "detection_f1")
_TITLES = {metric.key: metric.title for metric in OF_LABELS} | {metric.key: metric.title for metric in OF_POINTS}
TITLES = {key: _TITLES[key] for key in dict.fromkeys((*OUTLINE_COLUMNS, *_TITLES))}  # tables show them in this order
BETTER = {metric.key: metric.better for metric in OF_LABELS} | {metric.key: metric.better for metric in OF_POINTS}
