# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Every metric of one image in one call: against a true label, against points, or against both."""

from __future__ import annotations

from monai.config import NdarrayOrTensor

from .catalogue import OF_LABELS, OF_POINTS, LabelComparison, PointComparison
from .detection import RADIUS


def evaluate_label(
    pred: NdarrayOrTensor, truth: NdarrayOrTensor | None, points: NdarrayOrTensor | None = None, radius: float = RADIUS
) -> dict[str, float]:
    """Measure a predicted label by whatever truth there is; a metric that the truth does not allow has no key.

    Args:
        pred: predicted label, (H, W) or (1, H, W), integer ids, 0 = background.
        truth: true label of the same size, or None where only points exist.
        points: true points (N, 2), x and y in px, or None; where given, detection is measured against them, else
            against the centres of mass of the true objects.
        radius: of the detection F1, px; a radius in um is divided by the image's um per px.

    Returns:
        With `truth` the `LABEL_METRICS`, with `points` the `POINT_METRICS`. NaN: this image is not counted.

    Raises:
        TypeError: a label is not of an integer type.
        ValueError: neither truth nor points are given, or one of the arguments has a wrong shape or value.
    """
    if truth is None and points is None:
        raise ValueError("there is neither a true label nor points to measure against: give one of them")
    row: dict[str, float] = {}
    if truth is not None:
        row |= label_metrics(pred, truth, radius)
    if points is not None:
        row |= point_metrics(pred, points, radius)
    return row


def label_metrics(pred: NdarrayOrTensor, truth: NdarrayOrTensor, radius: float = RADIUS) -> dict[str, float]:
    """Measure a predicted label against a true one: the `LABEL_METRICS`, arguments as in `evaluate_label`."""
    seen = LabelComparison(pred, truth, radius)
    return {metric.key: metric.measure(seen) for metric in OF_LABELS}


def point_metrics(pred: NdarrayOrTensor, points: NdarrayOrTensor, radius: float = RADIUS) -> dict[str, float]:
    """Measure a predicted label against true points alone.

    Args:
        pred: predicted label, (H, W) or (1, H, W), integer ids, 0 = background.
        points: true points (N, 2), x and y in px, inside the image.
        radius: px, of the detection F1 between points and the predicted objects' centres of mass.

    Returns:
        `detection_f1`; `points_inside`, the share of points that lie in an object; `points_alone`, the share that lie
        in an object holding no other point; `count_error`, (objects - points) / points, NaN without points.

    Raises:
        ValueError: points are not finite, not (N, 2) or outside the image.
    """
    seen = PointComparison(pred, points, radius)
    return {metric.key: metric.measure(seen) for metric in OF_POINTS}
