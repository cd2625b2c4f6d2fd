# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The metrics inside MONAI's engines: a key metric for evaluators, and the writer of the table.

In a configuration the metric is one object, named once and used by both::

    object_metrics: {_target_: bundle.metrics.ObjectMetrics, key: aji}
    key_metric:
      aji:
        _target_: IgniteMetricHandler
        metric_fn: "@validate::object_metrics"
        output_transform: "$monai.handlers.from_engine(['pred', 'label'])"
    handlers:
      - {_target_: bundle.metrics.MetricsTable, output_dir: "@output_dir", metric: "@validate::object_metrics"}
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ignite.distributed as idist
import torch
from ignite.engine import Engine, Events
from monai.data import decollate_batch
from monai.metrics import CumulativeIterationMetric
from monai.utils import CommonKeys, ImageMetaKey, string_list_all_gather

from .catalogue import LABEL_METRICS, POINT_METRICS
from .detection import RADIUS
from .evaluate import label_metrics, point_metrics
from .table import log_summary, summarise, write_image_metrics


class ImageMetrics(CumulativeIterationMetric):
    """Metrics of every image, gathered over an epoch and over processes; the base of the two metrics below.

    Args:
        names: the metrics that `measure` returns.
        key: the one whose mean over images is the key metric.
        measure: (predicted label (1, H, W), truth, radius) -> metric -> value.
        radius: of the detection F1, px.

    Raises:
        ValueError: `key` is none of the metrics.
    """

    def __init__(
        self, names: tuple[str, ...], key: str, measure: Callable[..., dict[str, float]], radius: float
    ) -> None:
        super().__init__()
        if key not in names:
            raise ValueError(f"key is {key!r}: choose one of {', '.join(names)}")
        self.names, self.key, self.measure, self.radius = names, key, measure, radius

    def rows(self) -> list[dict[str, float]]:
        """One mapping metric -> value per image seen since the last reset, of all processes."""
        buffer = self.get_buffer()  # type: ignore[no-untyped-call]  # (images, metrics)
        return [] if buffer is None else [dict(zip(self.names, row, strict=True)) for row in buffer.tolist()]

    def aggregate(self) -> torch.Tensor:
        """Mean of the key metric over the images that count, a float64 scalar; their number is logged.

        Raises:
            ValueError: no image was measured.
        """
        rows = self.rows()
        if not rows:
            raise ValueError("no image was measured: the evaluation data set is empty")
        entry = summarise(rows)[self.key]
        log_summary({self.key: entry}, len(rows))
        return torch.tensor(entry["mean"], dtype=torch.float64)

    def _compute_tensor(self, y_pred: torch.Tensor, y: torch.Tensor | None = None, **kwargs: Any) -> torch.Tensor:
        if y is None:
            raise ValueError("there is no truth to measure against: let output_transform give (pred, truth)")
        rows = [self.measure(pred, truth, self.radius) for pred, truth in zip(y_pred, y, strict=True)]
        return torch.tensor([[row[name] for name in self.names] for row in rows], dtype=torch.float64)  # (B, metrics)


class ObjectMetrics(ImageMetrics):
    """The `LABEL_METRICS` of predicted labels (B, 1, H, W) against true labels (B, 1, H, W), or lists of (1, H, W).

    Args:
        key: the metric whose mean over images is the key metric.
        radius: of the detection F1, px; None leaves that metric out, as where images differ in um per px.
    """

    def __init__(self, key: str = "aji", radius: float | None = RADIUS) -> None:
        names = tuple(name for name in LABEL_METRICS if radius is not None or name != "detection_f1")
        super().__init__(names, key, label_metrics, RADIUS if radius is None else radius)


class PointMetrics(ImageMetrics):
    """The `POINT_METRICS` of predicted labels, a list of (1, H, W), against true points, a list of (N, 2) in px.

    Args:
        key: the metric whose mean over images is the key metric.
        radius: of the detection F1, px.
    """

    def __init__(self, key: str = "detection_f1", radius: float = RADIUS) -> None:
        super().__init__(POINT_METRICS, key, point_metrics, radius)


def image_names(batch: Any) -> list[str]:
    """Base names of the image files of a batch, from the metadata of its images (MetaTensor)."""
    items = batch if isinstance(batch, list) else decollate_batch(batch)
    return [Path(str(item[CommonKeys.IMAGE].meta[ImageMetaKey.FILENAME_OR_OBJ])).stem for item in items]


class MetricsTable:
    """Handler that writes `metrics.csv` and `metrics.json` when an evaluator has seen all images.

    Args:
        output_dir: folder to write to.
        metric: the metric that the evaluator computes: the same object.
        batch_names: engine.state.batch -> names of its images.
    """

    def __init__(
        self,
        output_dir: str | os.PathLike[str],
        metric: ImageMetrics,
        batch_names: Callable[[Any], list[str]] = image_names,
    ) -> None:
        self.output_dir, self.metric, self.batch_names = output_dir, metric, batch_names
        self.names: list[str] = []

    def attach(self, engine: Engine) -> None:
        """Follow the epochs of an evaluator."""
        engine.add_event_handler(Events.EPOCH_STARTED, self._start)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self._collect)
        engine.add_event_handler(Events.EPOCH_COMPLETED, self._write)

    def _start(self) -> None:
        self.names = []

    def _collect(self, engine: Engine) -> None:
        self.names += self.batch_names(engine.state.batch)

    def _write(self) -> None:
        names = string_list_all_gather(self.names) if idist.get_world_size() > 1 else self.names
        rows = self.metric.rows()  # every process takes part in gathering
        if idist.get_rank() == 0:
            write_image_metrics([{"name": name, **row} for name, row in zip(names, rows, strict=True)], self.output_dir)
