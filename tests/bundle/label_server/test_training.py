# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Requests to train: what clients may choose, what they may not, and the command that follows."""

from __future__ import annotations

from pathlib import Path

import pytest

from bundle.label_server.runs import updates_of
from bundle.label_server.training import Training
from bundle.simulation.dataset import write_dataset

ROOT = Path(__file__).resolve().parents[3]
OFFERED = {"preset": ["smoke", "cpu"], "mpp": "", "diameter": "", "variant": "", "classes": "", "centroids": False}


def test_what_clients_send_back_unchanged_means_the_defaults():
    assert Training.of(OFFERED, {}) == Training("smoke")
    assert Training.of({}, {"preset": "demo", "diameter": "8"}) == Training("demo", diameter=8.0)


def test_fields_of_a_request():
    request = {"preset": "cpu", "mpp": "0.25", "diameter": 7, "classes": "Tumour, Immune", "centroids": True}
    request |= {"segmentation_epochs": "5", "max_epochs": 9, "device": "cpu", "set": "seed=1"}
    training = Training.of(request, {"diameter": "8"})
    assert (training.mpp, training.diameter, training.epochs) == (0.25, 7.0, {"segmentation_epochs": 5})
    assert training.choice.classes == ("Tumour", "Immune") and training.choice.centroids


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({"preset": "huge"}, "preset is 'huge': choose one of best, cpu"),
        ({"preset": "../secret"}, "preset is '../secret': choose one of"),
        ({"variant": "$import os"}, "variant is .*: choose one of"),
        ({"segmentation_epochs": "$__import__('os').getpid()"}, "segmentation_epochs is .*: give a positive number"),
        ({"mpp": "-1"}, "mpp is '-1'"),
        ({"diameter": "@mpp"}, "diameter is '@mpp'"),
        ({"centroids": "maybe"}, "centroids is 'maybe'"),
        ({"continue_from_model": True}, "there is no model yet"),
    ],
)
def test_what_is_of_no_use_is_refused_and_nothing_is_evaluated(request_, message):
    with pytest.raises(ValueError, match=message):
        Training.of(request_, {}).as_pipeline(ROOT)


def test_the_command_and_what_decides_its_result(tmp_path):
    model = tmp_path / "model.pt"
    model.write_bytes(b"weights")
    training = Training.of({"continue_from_model": True, "segmentation_epochs": 3, "mpp": 0.25}, {}, model)
    arguments = training.arguments(tmp_path / "data", tmp_path / "results", "cpu")
    assert arguments == [
        f"--dataset_dir={tmp_path / 'data'}",
        f"--output_dir={tmp_path / 'results'}",
        "--preset=cpu",
        "--device=cpu",
        "--mpp=0.25",
        f"--init_weights={model}",
        "--set=segmentation_epochs=3",
    ]
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "tiles.csv").touch()
    assert not any("mpp" in each for each in training.arguments(tmp_path / "data", tmp_path / "results", "cpu"))
    before = training.settings()
    model.write_bytes(b"others")
    assert training.settings() != before  # other weights, another training


def test_tiles_fit_the_crops_and_the_spacing_of_training():
    for preset, smallest in (("smoke", 64), ("cpu", 128)):
        training = Training(preset, mpp=0.3)
        tiles = training.tiles(training.as_pipeline(ROOT))
        assert (tiles.tile_mpp, tiles.smallest, tiles.mpp, tiles.channels) == (0.5, smallest, 0.3, 3)
    grey = Training("smoke", variant="grey")
    assert grey.tiles(grey.as_pipeline(ROOT)).channels == 1


def test_a_range_of_intensities_reaches_the_command_the_tiles_and_the_name_of_the_run(tmp_path):
    plain = Training.of({}, {"preset": "cpu", "intensity": ""})
    training = Training.of({"intensity": [100, 4095]}, {"preset": "cpu", "intensity": "0,255"})
    assert plain.intensity is None and training.intensity == (100, 4095)
    assert Training.of({}, {"intensity": "0,255"}).intensity == (0, 255)
    assert "--intensity=100,4095" in training.arguments(tmp_path, tmp_path, "cpu")
    assert "intensity" not in plain.settings() and training.settings()["intensity"] == [100, 4095]
    request = training.as_pipeline(ROOT)
    assert request.intensity == (100, 4095) and training.tiles(request).view.intensity == (100, 4095)


def test_whether_images_are_painted_is_decided_by_the_clicks_before_progress_is_counted(tmp_path):
    data = write_dataset(tmp_path / "data", images=2, size=(80, 80), testing=1)
    training = Training("smoke", mpp=0.5, diameter=6.0).decided(data, tmp_path / "results", ROOT)
    assert training.variant == "real_only" and "--variant=real_only" in training.arguments(data, tmp_path, "cpu")
    assert updates_of(training.as_pipeline(ROOT))["synthesis"] == 0
    own = Training("smoke", "painted", mpp=0.5)
    assert own.decided(data, tmp_path / "results", ROOT) == own
