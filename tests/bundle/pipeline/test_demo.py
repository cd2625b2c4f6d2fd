# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The demonstration's own parts: its data, its real image, its verdict. The stages are tested elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import skimage.data
import torch
from PIL import Image

from bundle.files.labels import read_label
from bundle.files.manifest import StageManifest
from bundle.inference.model import ModelCard, save_model
from bundle.metrics import write_image_metrics
from bundle.pipeline import demo
from bundle.pipeline.request import Request
from bundle.report.results import STAGES

MakeRequest = Callable[..., Request]


@pytest.fixture
def finished(make_request: MakeRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Request:
    """A request whose stages are as good as done, with an AJI of 0.5; the data set is still to be made."""
    request = demo.demo_request(make_request(), tmp_path / "demo")
    monkeypatch.setattr(demo, "IMAGES", 3)
    monkeypatch.setattr(demo, "TESTING", 1)
    monkeypatch.setattr(demo, "SIZE", (40, 40))
    monkeypatch.setattr(demo, "run_pipeline", lambda *_: None)
    corner = skimage.data.immunohistochemistry()[:64, :96]
    monkeypatch.setattr(skimage.data, "immunohistochemistry", lambda: corner)
    for stage in STAGES:
        StageManifest(request.output_dir / stage, stage).begin()
    write_image_metrics([{"name": "a", "aji": 0.4}, {"name": "b", "aji": 0.6}], request.output_dir / "predictions")
    card = ModelCard(
        {"_target_": "monai.networks.nets.BasicUNet", "spatial_dims": 2, "in_channels": 3, "out_channels": 3}, 0.5
    )
    torch.manual_seed(0)
    save_model(request.bundle_root / "models" / "model.pt", card.build(), card)
    return request


def test_demo_makes_its_data_and_shows_the_real_image(finished: Request) -> None:
    page = demo.run_demo(finished, least_aji=0.5)
    assert (finished.dataset_dir / "split.json").is_file()
    assert len(list((finished.dataset_dir / "images").iterdir())) == 3
    folder = next((finished.output_dir / "examples").iterdir())
    assert read_label(folder / "labels.tif").shape == (1, 64, 96)
    assert np.asarray(Image.open(folder / "image.png")).shape == (64, 96, 3)
    assert "real immunohistochemistry" in page.read_text(encoding="utf-8")


def test_demo_below_its_mark_fails_and_names_the_report(finished: Request) -> None:
    with pytest.raises(demo.DemoFailedError, match=r"AJI 0.500 .* below 0.51; see .*report/index.html"):
        demo.run_demo(finished, least_aji=0.51)
    assert (finished.output_dir / "report" / "index.html").is_file()


def test_demo_without_a_measured_aji_fails(finished: Request) -> None:
    (finished.output_dir / "predictions" / "metrics.csv").unlink()
    with pytest.raises(demo.DemoFailedError, match="AJI nan"):
        demo.run_demo(finished)


def test_demo_uses_the_data_of_an_earlier_one(finished: Request) -> None:
    demo.run_demo(finished, least_aji=0.5)
    before = (finished.dataset_dir / "images" / "simulated_000.tif").stat().st_mtime_ns
    demo.run_demo(finished, least_aji=0.5)
    assert (finished.dataset_dir / "images" / "simulated_000.tif").stat().st_mtime_ns == before
