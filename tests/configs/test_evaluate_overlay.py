# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""evaluate.json over train.json: the ids that the Model Zoo asks for, and the numbers of the stage `predictions`."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
import torch
from monai.bundle import ConfigWorkflow

from bundle.files.images import load_image
from bundle.files.manifest_file import read_manifest
from bundle.inference.model import ModelCard, save_model
from bundle.metrics import LABEL_METRICS
from bundle.networks.compact import Compact
from bundle.simulation.dataset import write_dataset

CONFIGS = Path(__file__).resolve().parents[2] / "configs"
OUTLINES = [name for name in LABEL_METRICS if name != "detection_f1"]
OVERLAY = ("train.json", "presets/smoke.yaml", "evaluate.json")


def workflow(names, dataset, output, **overrides):
    """Initialized, as the Model Zoo's unit tests do."""
    paths = {"bundle_root": str(CONFIGS.parent), "dataset_dir": str(dataset), "output_dir": str(output)}
    files = [str(CONFIGS / name) for name in names]
    overrides = {"window_size": [256, 256], **overrides}
    made = ConfigWorkflow(files, workflow_type="train", logging_file=False, **paths, device="cpu", **overrides)
    made.initialize()
    return made


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """A training image and two testing ones, 80 x 80 px."""
    return write_dataset(tmp_path_factory.mktemp("overlay") / "data", images=3, size=(80, 80), seed=1, testing=2)


@pytest.fixture(scope="module")
def model(dataset):
    """Weights that take half of the pixels of an image for foreground, so that there is something to measure."""
    torch.manual_seed(0)
    network = Compact(channels=[4, 8]).eval()
    image = load_image(dataset / "images" / "simulated_001.tif").image
    with torch.no_grad():
        network.exit[-1].weight *= 50
        network.exit[-1].bias[2] -= network(image[None])[0, 2].median()
    folder = dataset.parent / "model"
    save_model(folder / "model.pt", network, ModelCard(described(network), mpp=0.5, diameter=6.0))
    return folder


def described(network):
    """As model.json names a network."""
    return {"_target_": "bundle.networks.compact.Compact"} | network.arguments


def table(folder):
    with open(folder / "metrics.csv", newline="") as file:
        return {row["name"]: row for row in csv.DictReader(file)}


def test_its_numbers_are_those_of_the_stage_predictions(dataset, model, tmp_path):
    made = workflow(OVERLAY, dataset, tmp_path / "overlay", model=str(model / "model.pt"))
    assert made.check_properties() == []
    assert made.evaluator is made.parser.get_parsed_content("validate::evaluator")
    made.run()
    made.finalize()
    stage = workflow(("evaluate.yaml",), dataset, tmp_path / "stage", segmentation_dir=str(model))
    stage.run()
    stage.finalize()
    found, expected = table(tmp_path / "overlay"), table(tmp_path / "stage")
    assert list(found) == ["simulated_001", "simulated_002"]
    for name, row in found.items():
        assert row == {"name": name} | {metric: expected[name][metric] for metric in OUTLINES}
        assert float(row["aji"]) > 0
    assert read_manifest(tmp_path / "overlay")["complete"]
    mean = json.loads((tmp_path / "overlay" / "metrics.json").read_text())["metrics"]["aji"]["mean"]
    assert made.evaluator.state.metrics["aji"] == pytest.approx(mean)


def test_a_model_of_another_spacing_is_refused_before_anything_is_written(dataset, model, tmp_path):
    other = workflow(OVERLAY, dataset, tmp_path / "out", model=str(model / "model.pt"), model_mpp=0.25)
    with pytest.raises(RuntimeError) as error:
        other.run()
    messages = []
    cause = error.value
    while cause is not None:
        messages.append(str(cause))
        cause = cause.__cause__
    assert "was trained with model_mpp 0.5" in " ".join(messages) and not (tmp_path / "out").exists()
