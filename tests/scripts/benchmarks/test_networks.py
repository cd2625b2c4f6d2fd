# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The benchmark of networks runs each on one small image and reports the times of both steps."""

from __future__ import annotations

import logging
import re

import pytest
import torch

from bundle.networks.compact import Compact
from scripts.benchmarks import networks as benchmark


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_monais_network_covers_the_whole_image():
    seen = benchmark.monai_maps(benchmark.MonaiHoVerNet().eval(), torch.rand(3, 170, 100))
    assert {tuple(branch.shape) for branch in seen.values()} == {(1, 2, 170, 100)}


def test_every_network_is_reported(monkeypatch, caplog):
    monkeypatch.setattr(benchmark, "HoverNet", lambda width=0.5: Compact(channels=[4, 8]))
    monkeypatch.setattr(benchmark, "MonaiHoVerNet", lambda: Compact(channels=[4, 8]))
    monkeypatch.setattr(benchmark, "monai_maps", lambda network, image: None)
    monkeypatch.setattr(benchmark, "monai_label", lambda seen: None)
    with caplog.at_level(logging.INFO):
        benchmark.networks(size=80)
    said = [record.getMessage() for record in caplog.records if record.name == benchmark.__name__]
    assert [line.split(" (")[0] for line in said] == ["compact", "hovernet, width 0.5", "hovernet", "MONAI's HoVerNet"]
    for line in said:
        network, labels, total = map(float, re.findall(r"([\d.]+) s", line))
        assert total == pytest.approx(network + labels, abs=0.011)
