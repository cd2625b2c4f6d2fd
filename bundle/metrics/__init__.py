# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Metrics of instance labels and of points, one code for every row of every table."""

from __future__ import annotations

from .catalogue import BETTER, LABEL_METRICS, MAIN_COLUMNS, OUTLINE_COLUMNS, POINT_METRICS, TITLES
from .detection import RADIUS, detection_f1, object_centres
from .evaluate import evaluate_label, label_metrics, point_metrics
from .handler import MetricsTable, ObjectMetrics, PointMetrics, image_names
from .objects import PanopticQuality, aggregated_jaccard, object_dice, panoptic_quality
from .overlap import Overlaps, overlaps
from .pixel import pixel_f1, pixel_iou
from .table import summarise, write_image_metrics

__all__ = [
    "BETTER",
    "LABEL_METRICS",
    "MAIN_COLUMNS",
    "OUTLINE_COLUMNS",
    "POINT_METRICS",
    "RADIUS",
    "TITLES",
    "MetricsTable",
    "ObjectMetrics",
    "Overlaps",
    "PanopticQuality",
    "PointMetrics",
    "aggregated_jaccard",
    "detection_f1",
    "evaluate_label",
    "image_names",
    "label_metrics",
    "object_centres",
    "object_dice",
    "overlaps",
    "panoptic_quality",
    "pixel_f1",
    "pixel_iou",
    "point_metrics",
    "summarise",
    "write_image_metrics",
]
