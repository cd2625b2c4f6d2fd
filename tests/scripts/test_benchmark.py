# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The benchmark runs, reports a ratio, and checks what it compares."""

from __future__ import annotations

import logging

import pytest
import torch

from scripts import benchmark
from transforms.hover import hover_map


def test_hover_reports_how_many_times_faster(caplog):
    with caplog.at_level(logging.INFO):
        benchmark.hover(nuclei=40, size=200, repeats=1)
    assert "times faster" in caplog.text


def test_hover_refuses_maps_that_differ(monkeypatch):
    monkeypatch.setattr(benchmark, "hover_map", lambda label: hover_map(label) + 0.1)
    with pytest.raises(ValueError, match="differs"):
        benchmark.hover(nuclei=5, size=60, repeats=1)


@pytest.mark.filterwarnings("ignore")
def test_instances_reports_how_many_objects_are_found(caplog):
    with caplog.at_level(logging.INFO):
        benchmark.instances(nuclei=20, size=200, repeats=1)
    assert "ours: 20 of 20 objects" in caplog.text and "times faster" in caplog.text


def test_recovered_counts_objects_above_the_iou():
    label = torch.tensor([[[1, 1, 1, 1, 0, 2, 2, 2, 2]]])
    found = torch.tensor([[[5, 5, 5, 5, 0, 3, 3, 0, 0]]])
    assert benchmark.recovered(label, found) == 1
