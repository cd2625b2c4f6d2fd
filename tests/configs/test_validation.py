# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Validation while train.json trains: by the names that MONAI asks for, measured rightly, and without a trace."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
import torch
from monai.bundle import ConfigWorkflow
from monai.bundle.properties import TrainProperties
from monai.bundle.utils import ID_SEP_KEY

from bundle.files.images import load_image
from bundle.files.labels import read_label
from bundle.inference.model import load_network, segmenter_of
from bundle.metrics.evaluate import label_metrics
from bundle.networks.weights import save_weights
from bundle.simulation.dataset import write_dataset

ROOT = Path(__file__).resolve().parents[2]
FILES = [str(ROOT / "configs" / name) for name in ("train.json", "presets/smoke.yaml")]


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """Two training images and a testing one, 80 x 80 px."""
    return write_dataset(tmp_path_factory.mktemp("validation") / "data", images=3, size=(80, 80), seed=1, testing=1)


def items(dataset, *numbers):
    """Images and labels as MONAI Label names them: paths, and nothing else."""
    names = [f"simulated_{number:03d}.tif" for number in numbers]
    return [{"image": str(dataset / "images" / name), "label": str(dataset / "labels" / name)} for name in names]


def train(dataset, output, **overrides):
    """Run train.json at the smoke preset; the workflow."""
    paths = {"bundle_root": str(ROOT), "dataset_dir": str(dataset), "output_dir": str(output)}
    workflow = ConfigWorkflow(FILES, workflow_type="train", logging_file=False, **paths, **overrides)
    workflow.initialize()
    workflow.run()
    workflow.finalize()
    return workflow


@pytest.fixture(scope="module")
def plain(dataset):
    """The weights of a training that validates nothing."""
    train(dataset, dataset.parent / "plain")
    return torch.load(dataset.parent / "plain" / "model.pt", weights_only=True)


def test_it_runs_after_every_epoch_and_the_training_stays_the_same(dataset, plain, tmp_path, caplog):
    caplog.set_level(logging.INFO)
    workflow = train(dataset, tmp_path, **{"validate#dataset#data": items(dataset, 2, 0)})
    assert workflow.evaluator.state.epoch == 2 and set(workflow.evaluator.state.metrics) == {"aji"}
    assert "aji" in caplog.text
    weights = torch.load(tmp_path / "model.pt", weights_only=True)
    assert all(torch.equal(weights[name], plain[name]) for name in plain)


def test_images_are_measured_as_in_an_evaluation(dataset, plain, tmp_path):
    """By a network that takes half of the pixels for foreground, so that there is something to measure."""
    overrides = {"validate#dataset#data": items(dataset, 2, 0), "train#trainer#max_epochs": 0}
    workflow = train(dataset, tmp_path, **overrides)
    network = workflow.parser.get_parsed_content("network")
    with torch.no_grad():
        network.load_state_dict(plain)
        network.exit[-1].weight *= 50
        network.exit[-1].bias[2] -= network(load_image(items(dataset, 2)[0]["image"]).image[None])[0, 2].median()
    workflow.evaluator.run()
    save_weights(network, tmp_path / "model.pt")
    segmenter = segmenter_of(load_network(tmp_path), inferer=workflow.val_inferer.windows)
    expected = []
    for item in items(dataset, 2, 0):
        loaded = load_image(item["image"])
        expected.append(label_metrics(segmenter(loaded.image, loaded.mpp).label, read_label(item["label"]))["aji"])
    assert workflow.evaluator.state.metrics["aji"] == pytest.approx(sum(expected) / 2) and min(expected) > 0


def test_it_can_be_made_rarer(dataset, tmp_path):
    overrides = {"validate#dataset#data": items(dataset, 2), "val_interval": 2, "train#trainer#max_epochs": 3}
    assert train(dataset, tmp_path, **overrides).evaluator.state.epoch == 2


def test_data_of_its_own_trains_as_monai_label_gives_it(dataset, plain, tmp_path):
    overrides = {"train#dataset#data": items(dataset, 0, 1), "validate#dataset#data": []}
    train(dataset, tmp_path, **overrides)
    weights = torch.load(tmp_path / "model.pt", weights_only=True)
    assert all(torch.equal(weights[name], plain[name]) for name in plain)


def test_every_property_of_validation_has_monais_name(dataset):
    workflow = ConfigWorkflow(FILES, workflow_type="train", logging_file=False, dataset_dir=str(dataset))
    workflow.initialize()
    assert workflow.check_properties() == []
    names = [each["id"] for each in TrainProperties.values() if each["id"].startswith(("validate", "val_interval"))]
    assert len(names) == 9 and [name for name in names if name not in workflow.parser] == []
    assert all(
        getattr(workflow, name) is not None for name in TrainProperties if name.startswith(("val_", "evaluator"))
    )
    assert ID_SEP_KEY == "::"
