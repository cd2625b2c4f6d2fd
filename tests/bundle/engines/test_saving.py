# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""When checkpoints are written, and where a run refuses to start."""

from __future__ import annotations

import pytest
import torch
from ignite.engine import Events

from bundle.engines.checkpoint import list_checkpoints
from bundle.engines.losses import NonFiniteLossError
from bundle.engines.saving import ExportWeights, Resume, SaveCheckpoints, StartAnew, check_weights_finite


def steps(folder):
    return [int(path.stem.split("_")[1]) for path in list_checkpoints(folder)]


def test_by_updates_and_at_the_end(tiny, tmp_path):
    tiny.segmentation_trainer(handlers=[SaveCheckpoints(tmp_path, every=5, keep=9)]).run()
    assert steps(tmp_path) == [5, 10, 12]


def test_by_seconds(tiny, tmp_path, monkeypatch):
    clock = iter(range(1000))
    monkeypatch.setattr("bundle.engines.saving.time.monotonic", lambda: next(clock) * 10)
    tiny.segmentation_trainer(handlers=[SaveCheckpoints(tmp_path, every=100, seconds=1e9, keep=99)]).run()
    assert steps(tmp_path) == [12]
    tiny.segmentation_trainer(handlers=[StartAnew(tmp_path), SaveCheckpoints(tmp_path, 100, 15, keep=99)]).run()
    assert len(steps(tmp_path)) > 2


def test_an_occupied_folder_is_refused_before_training(tiny, tmp_path):
    tiny.segmentation_trainer(handlers=[SaveCheckpoints(tmp_path)]).run()
    trainer = tiny.segmentation_trainer(handlers=[SaveCheckpoints(tmp_path)])
    with pytest.raises(ValueError, match="holds checkpoint_00000012.pt of an earlier run.*resume it"):
        trainer.run()
    assert trainer.state.iteration == 0 and steps(tmp_path) == [12]


def test_starting_anew_removes_checkpoints_and_nothing_else(tiny, tmp_path):
    (tmp_path / "notes.txt").touch()
    tiny.segmentation_trainer(handlers=[SaveCheckpoints(tmp_path)]).run()
    trainer = tiny.segmentation_trainer(max_epochs=1, handlers=[StartAnew(tmp_path), SaveCheckpoints(tmp_path)])
    trainer.run()
    assert trainer.state.iteration == 4 and steps(tmp_path) == [4] and (tmp_path / "notes.txt").exists()


def test_weights_that_are_no_numbers_are_not_saved(tiny, tmp_path):
    trainer = tiny.segmentation_trainer(log_every=100, handlers=[SaveCheckpoints(tmp_path, every=5)])

    def spoil(engine):
        with torch.no_grad():
            engine.network.decoder[1].bias[0] = float("inf")

    trainer.add_event_handler(Events.ITERATION_COMPLETED(once=9), spoil)
    with pytest.raises(NonFiniteLossError, match="'decoder.1.bias' of the network is not finite after update 10"):
        trainer.run()
    assert steps(tmp_path) == [5]


def test_a_weight_spoilt_by_the_last_update_is_named(tiny):
    network = tiny.Mapper()
    check_weights_finite("segmenter", network, 3)
    network.encoder[1].running_var[2] = float("nan")
    with pytest.raises(
        NonFiniteLossError, match="'encoder.1.running_var' of the segmenter is not finite after update 3"
    ):
        check_weights_finite("segmenter", network, 3)


def test_resume_in_an_empty_folder_starts_from_nothing(tiny, tmp_path):
    trainer = tiny.segmentation_trainer(handlers=[Resume(tmp_path)])
    trainer.run()
    assert trainer.state.iteration == 12


def test_the_end_exports_flat_weights(tiny, tmp_path):
    trainer = tiny.cycle_trainer()
    ExportWeights(trainer.generator, tmp_path / "gan" / "generator.pt").attach(trainer)
    trainer.run()
    weights = torch.load(tmp_path / "gan" / "generator.pt", weights_only=True)
    assert torch.equal(weights["body.0.bias"], trainer.generator.body[0].bias)


def test_bad_intervals(tmp_path):
    for options in ({"every": 0}, {"keep": 0}):
        with pytest.raises(ValueError, match="must be at least 1"):
            SaveCheckpoints(tmp_path, **options)
