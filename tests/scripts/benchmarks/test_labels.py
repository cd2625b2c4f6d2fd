# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The benchmarks of labels run, report a ratio, check what they compare, and leave out what would take too long."""

from __future__ import annotations

import logging
import re

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image

from bundle.inference.model import ModelCard, describe_network, save_model
from bundle.networks.compact import Compact
from scripts.benchmarks import labels as benchmark
from transforms.maps.hover import hover_map

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture
def said(caplog):
    """What was logged, as lines."""
    caplog.set_level(logging.INFO)
    return lambda: [record.getMessage() for record in caplog.records if record.name == benchmark.__name__]


def test_hover_reports_how_many_times_faster(said):
    benchmark.hover(nuclei=40, size=200, repeats=1)
    assert re.search(r"200 x 200 px, 40 nuclei: ours [\d.]+ s, MONAI [\d.]+ s, [\d.]+ times faster", said()[0])


def test_hover_refuses_maps_that_differ(monkeypatch):
    monkeypatch.setattr(benchmark, "hover_map", lambda label: hover_map(label) + 0.1)
    with pytest.raises(ValueError, match="differs"):
        benchmark.hover(nuclei=5, size=60, repeats=1)


def test_instances_reports_speed_and_quality_of_both(said):
    benchmark.instances("150,200", repeats=1, noise=0)
    first, own, second, _ = said()
    assert first.startswith("hover map -> label, 150 x 150 px, 16 nuclei: ours") and "times faster" in first
    assert re.search(r"MONAI's AJI [\d.]+, PQ [\d.]+, \d+ objects", first)
    assert re.search(r"ours AJI 0\.9[5-9]\d\d, PQ 0\.9[5-9]\d\d, 16 objects; \d+ ns per px", own)
    assert "200 x 200 px, 28 nuclei" in second


def test_instances_leaves_monai_out_where_it_would_take_too_long(said, monkeypatch):
    calls = []
    monkeypatch.setattr(benchmark, "monai_label", lambda seen: calls.append(seen.shape[1]) or seen[2:].int())
    monkeypatch.setattr(benchmark, "timed", lambda ours, theirs, repeats: np.array([[0.5, 2.0]]))
    benchmark.instances("100,200,300", repeats=1, limit=40)
    assert calls == [100, 200, 300]  # what is expected: nothing known; 2 s x 16; 2 s x 1.5^4
    calls.clear()
    benchmark.instances("100,200,400", repeats=1, limit=31)
    assert calls == [100]
    assert "MONAI's left out: about 32 s" in said()[-4] and "left out: about 512 s" in said()[-2]


def test_predictions_measures_both_ways_on_a_data_set(said, tmp_path):
    network = Compact(channels=[4, 8])
    card = ModelCard(describe_network(network), mpp=0.5, diameter=6.0)
    save_model(tmp_path / "model.pt", network, card)
    for part in ("images", "labels"):
        (tmp_path / "data" / part).mkdir(parents=True)
    rng = np.random.default_rng(0)
    for name in ("a", "b"):
        pixels = rng.integers(0, 255, (64, 70, 3), dtype=np.uint8)
        tifffile.imwrite(tmp_path / "data" / "images" / f"{name}.tif", pixels, photometric="rgb")
        Image.fromarray((pixels[..., 0] > 200).astype(np.uint8)).save(tmp_path / "data" / "labels" / f"{name}.png")
    benchmark.predictions(str(tmp_path), str(tmp_path / "data"), image_mpp=0.5, limit=1)
    assert [line.split(":")[0] for line in said()] == ["a", "mean of 1"]
    with pytest.raises(ValueError, match="no image in the part 'training'"):
        benchmark.predictions(str(tmp_path), str(tmp_path / "data"), image_mpp=0.5, split="training")


def test_metrics_compares_equal_values(said, monkeypatch):
    benchmark.metrics(nuclei=20, size=200, repeats=1)
    assert said()[0].startswith("iou, f1, dice, aji, pq, dq, sq, detection_f1 together") and "times faster" in said()[0]
    monkeypatch.setattr(benchmark, "compute_panoptic_quality", lambda *args, **kwargs: 0.5)
    with pytest.raises(ValueError, match=r"PQ is .* and MONAI's is 0\.5"):
        benchmark.metrics(nuclei=20, size=200, repeats=1)


def test_predictions_are_drawn_from_the_label():
    label = benchmark.generated_label(9, 100)
    assert torch.equal(benchmark.predicted(label, 0), hover_map(label))
    noisy = benchmark.predicted(label, 0.1)
    assert torch.equal(noisy, benchmark.predicted(label, 0.1)) and noisy.abs().max() <= 1
    assert 0.05 < (noisy - hover_map(label))[:, :10, :10].std() < 0.3
