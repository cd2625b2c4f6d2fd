# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The metrics in a MONAI evaluator made from a configuration: key metric, table, points of varying number."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import torch
from monai.bundle import ConfigParser
from monai.data import DataLoader, Dataset, MetaTensor

from bundle.metrics import ObjectMetrics, PointMetrics, evaluate_label
from bundle.metrics.catalogue import LABEL_METRICS

TRUTH = torch.zeros(1, 8, 8, dtype=torch.int32)
TRUTH[0, 1:4, 1:4], TRUTH[0, 5:8, 4:8] = 1, 2
HALF = TRUTH * (TRUTH == 1)  # object 2 of 12 px is missed: AJI 9 / 21
EMPTY = torch.zeros_like(TRUTH)

CONFIG = {
    "object_metrics": {"_target_": "bundle.metrics.ObjectMetrics", "key": "aji", "radius": 3},
    "key_metric": {
        "aji": {
            "_target_": "IgniteMetricHandler",
            "metric_fn": "@object_metrics",
            "output_transform": "$monai.handlers.from_engine(['pred', 'label'])",
        }
    },
    "handlers": [{"_target_": "bundle.metrics.MetricsTable", "output_dir": "@output_dir", "metric": "@object_metrics"}],
    "evaluator": {
        "_target_": "SupervisedEvaluator",
        "device": "cpu",
        "val_data_loader": "@loader",
        "network": "$torch.nn.Identity()",
        "key_val_metric": "@key_metric",
        "val_handlers": "@handlers",
    },
}


def item(pred: torch.Tensor, truth: torch.Tensor, name: str) -> dict[str, torch.Tensor]:
    """An "image" that the identity network hands on as the prediction."""
    return {"image": MetaTensor(pred, meta={"filename_or_obj": f"/folder/{name}.png"}), "label": truth}


def evaluator(output_dir, batch_size: int):
    data = [item(TRUTH, TRUTH, "first"), item(HALF, TRUTH, "second.crop"), item(EMPTY, EMPTY, "blank")]
    parser = ConfigParser(CONFIG | {"loader": None, "output_dir": str(output_dir), "imports": ["$import torch, monai"]})
    parser["loader"] = DataLoader(Dataset(data), batch_size=batch_size)
    parser["imports"] = ["$import torch", "$import monai"]
    parser.get_parsed_content("imports")
    return parser.get_parsed_content("evaluator")


@pytest.mark.parametrize("batch_size", [1, 2])
def test_key_metric_and_table_from_a_configuration(tmp_path, batch_size):
    engine = evaluator(tmp_path, batch_size)
    for _ in range(2):  # a second epoch starts afresh
        engine.run()
        assert engine.state.metrics["aji"] == pytest.approx((1 + 9 / 21) / 2)
    assert engine.state.metric_details["aji"].shape == (3, len(LABEL_METRICS))
    names = [line.split(",")[0] for line in (tmp_path / "metrics.csv").read_text().splitlines()]
    assert names == ["name", "first", "second.crop", "blank"]
    summary = json.loads((tmp_path / "metrics.json").read_text())
    assert summary["images"] == 3
    assert summary["metrics"]["aji"]["n"] == 2
    assert summary["metrics"]["aji"]["mean"] == pytest.approx((1 + 9 / 21) / 2)


def test_batches_and_lists_measure_as_the_plain_function_does():
    metric = ObjectMetrics(key="pq", radius=2.0)
    metric(torch.stack([TRUTH, HALF]), torch.stack([TRUTH, TRUTH]))
    metric([HALF], [TRUTH])
    expected = [evaluate_label(pred, TRUTH, radius=2.0) for pred in (TRUTH, HALF, HALF)]
    assert metric.rows() == expected
    assert metric.aggregate().item() == pytest.approx(np.mean([row["pq"] for row in expected]))


def test_without_a_radius_there_is_no_detection():
    metric = ObjectMetrics(radius=None)
    metric([HALF], [TRUTH])
    expected = evaluate_label(HALF, TRUTH)
    assert metric.rows() == [{name: value for name, value in expected.items() if name != "detection_f1"}]
    with pytest.raises(ValueError, match="choose one of"):
        ObjectMetrics("detection_f1", radius=None)


def test_points_may_differ_in_number():
    metric = PointMetrics(radius=2.0)
    points = [torch.tensor([[2.0, 2.0], [5.5, 6.0]]), torch.tensor([[2.0, 2.0]])]
    metric([TRUTH, TRUTH], points)
    assert [row["count_error"] for row in metric.rows()] == [0.0, 1.0]
    assert metric.aggregate().item() == pytest.approx((1 + 2 / 3) / 2)


def test_no_image_that_counts_is_nan_and_no_image_at_all_an_error():
    metric = ObjectMetrics()
    with pytest.raises(ValueError, match="no image"):
        metric.aggregate()
    metric([EMPTY], [EMPTY])
    assert math.isnan(metric.aggregate().item())


def test_an_unknown_key_is_refused():
    with pytest.raises(ValueError, match="'ajj'.*aji"):
        ObjectMetrics(key="ajj")


def test_a_truth_is_needed():
    with pytest.raises(ValueError, match="truth"):
        ObjectMetrics()(TRUTH[None])
