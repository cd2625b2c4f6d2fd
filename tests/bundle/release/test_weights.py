# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Weights as they ship: half the size, what they measure stated, nothing replaced."""

from __future__ import annotations

import json

import pytest
import torch

from bundle.data.folder import DataFolder
from bundle.inference.model import ModelCard, describe_network, load_network, save_model
from bundle.release.weights import halved, measure_testing_images, write_release
from bundle.simulation.dataset import write_dataset

NOTES = {"trained_on": "nothing", "licence": "free"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two images of 64 x 60 px to test on, with labels."""
    path = write_dataset(tmp_path_factory.mktemp("release") / "data", images=3, size=(64, 60), seed=2, testing=2)
    return DataFolder(path)


@pytest.fixture(scope="module")
def trained(tmp_path_factory, untrained):
    """Weights that nobody trained, which take half of the pixels for foreground."""
    network = untrained(3)
    path = tmp_path_factory.mktemp("trained") / "model.pt"
    save_model(path, network, ModelCard(describe_network(network), 0.5, diameter=6.0))
    return path


def test_the_file_is_half_as_precise_and_its_card_says_what_it_measures(folder, trained, tmp_path):
    path = tmp_path / "models" / "small.pt"
    card = write_release(trained, path, folder, NOTES)
    stored = torch.load(path, weights_only=True)
    assert {value.dtype for value in stored.values()} == {torch.float16}
    before = load_network(trained)
    after = load_network(path)
    for name, value in after.network.state_dict().items():
        torch.testing.assert_close(value, before.network.state_dict()[name].half().float(), rtol=0, atol=0)
    assert (card.network, card.mpp, card.diameter) == (before.card.network, 0.5, 6.0)
    notes = json.loads(path.with_suffix(".json").read_text())["notes"]
    assert notes == card.notes and notes["images"] == 2 and notes["licence"] == "free" and len(notes["sha256"]) == 64
    rows = measure_testing_images(path, folder)
    assert notes["measured"]["aji"]["mean"] == pytest.approx(sum(row["aji"] for row in rows) / 2, abs=1e-4)


def test_one_image_has_no_deviation(trained, tmp_path):
    folder = DataFolder(write_dataset(tmp_path / "data", images=2, size=(64, 60), testing=1))
    card = write_release(trained, tmp_path / "small.pt", folder, NOTES)
    aji = card.notes["measured"]["aji"]
    assert aji["sd"] is None
    assert json.loads((tmp_path / "small.json").read_text())["notes"]["measured"]["aji"] == aji


def test_a_file_that_is_there_is_not_replaced(folder, trained, tmp_path):
    path = tmp_path / "small.pt"
    path.write_bytes(b"in use")
    with pytest.raises(FileExistsError, match=r"small.pt: is there already"):
        write_release(trained, path, folder, NOTES)
    assert path.read_bytes() == b"in use"


def test_without_labels_to_measure_with_nothing_is_written(trained, tmp_path):
    data = write_dataset(tmp_path / "data", images=2, size=(64, 60), seed=2, testing=1)
    for path in (data / "labels").iterdir():
        path.unlink()
    with pytest.raises(ValueError, match="no testing image has a label"):
        write_release(trained, tmp_path / "small.pt", DataFolder(data), NOTES)
    assert not (tmp_path / "small.pt").exists()


def test_a_measurement_that_fails_leaves_nothing(trained, tmp_path):
    data = write_dataset(tmp_path / "data", images=2, size=(64, 60), seed=2, testing=1)
    for path in (data / "labels").iterdir():
        path.write_bytes(b"no picture")
    with pytest.raises(ValueError, match="the data set has"):
        write_release(trained, tmp_path / "small.pt", DataFolder(data), NOTES)
    assert not list(tmp_path.glob("small*"))


def test_weights_beyond_half_precision_are_refused():
    assert halved("a", torch.tensor([65504.0])).dtype == torch.float16
    assert halved("steps", torch.tensor([70000])).dtype == torch.int64
    with pytest.raises(ValueError, match="weight a holds values up to 70000"):
        halved("a", torch.tensor([7e4]))
