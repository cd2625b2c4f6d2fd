# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""A run killed in mid-epoch and resumed equals the uninterrupted one, to the bit."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from ignite.engine import Events

from bundle.engines.checkpoint import latest_checkpoint, list_checkpoints
from bundle.engines.saving import Resume, SaveCheckpoints
from bundle.networks.weights import CheckpointError

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """A folder with one run of each trainer, dead by SIGKILL after update 11 of 12."""
    folder = tmp_path_factory.mktemp("killed")
    command = [sys.executable, str(Path(__file__).with_name("tiny.py")), str(folder), "11"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, timeout=120)
    assert done.returncode == 0, done.stderr.decode()
    return folder


def leaves(state, name=""):
    """Every leaf of a nested state by its path."""
    if isinstance(state, dict):
        return {k: v for key, item in state.items() for k, v in leaves(item, f"{name}/{key}").items()}
    if isinstance(state, list | tuple):
        return {k: v for key, item in enumerate(state) for k, v in leaves(item, f"{name}/{key}").items()}
    return {name: state}


def final_state(folder):
    state = leaves(torch.load(latest_checkpoint(folder), weights_only=True)["state"])
    state.pop("/trainer/seconds")
    return state


def assert_equal(first, second):
    assert first.keys() == second.keys()
    for key, value in first.items():
        same = torch.equal(value, second[key]) if isinstance(value, torch.Tensor) else value == second[key]
        assert same, key


def table(folder):
    with open(folder / "losses.csv", newline="") as file:
        return [row[:1] + row[2:] for row in csv.reader(file)]  # without the seconds


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills processes as POSIX does")
@pytest.mark.parametrize("kind", ["cycle", "segmentation"])
def test_killed_and_resumed_equals_uninterrupted(tiny, killed, tmp_path, kind):
    cut, whole = killed / kind, tmp_path  # epochs of 4: the checkpoints at 5 and 10 are both in mid-epoch
    assert [path.name for path in list_checkpoints(cut)] == ["checkpoint_00000005.pt", "checkpoint_00000010.pt"]
    list_checkpoints(cut)[-1].unlink()  # resume from 5, so that two epoch ends lie ahead
    seen = []
    trainer = tiny.resumable(kind, cut)
    trainer.add_event_handler(Events.ITERATION_COMPLETED, lambda e: seen.append((e.state.epoch, e.state.iteration)))
    trainer.run()
    assert seen == [(2, 6), (2, 7), (2, 8), (3, 9), (3, 10), (3, 11), (3, 12)]
    tiny.resumable(kind, whole).run()
    assert_equal(final_state(cut), final_state(whole))
    assert table(cut) == table(whole)
    assert [row[0] for row in table(whole)] == ["step", "3", "6", "9", "12"]


def test_checkpoints_come_back_as_plain_data_with_everything_in_it(tiny, tmp_path):
    tiny.resumable("cycle", tmp_path).run()
    content = torch.load(latest_checkpoint(tmp_path), weights_only=True)
    assert content["step"] == 12 and content["versions"]["torch"] == str(torch.__version__)
    state = content["state"]
    networks = {"generator", "segmenter", "image_discriminator", "mask_discriminator"}
    training = {"generator_optimizer", "discriminator_optimizer", "image_pool", "mask_pool", "scaler"}
    assert set(state) == networks | training | {"losses", "random", "trainer"}
    assert state["image_pool"]["images"].shape == (2, 1, 3, 16, 16)
    assert state["generator_optimizer"]["state"][0]["step"] == 12
    assert state["trainer"]["iteration"] == 12 and state["trainer"]["seconds"] > 0


def test_a_complete_run_resumes_to_nothing(tiny, tmp_path):
    tiny.resumable("segmentation", tmp_path).run()
    before = final_state(tmp_path)
    again = tiny.resumable("segmentation", tmp_path)
    again.add_event_handler(Events.ITERATION_STARTED, lambda: pytest.fail("trained on"))
    again.run()
    assert_equal(before, final_state(tmp_path))


def test_a_longer_run_goes_on_where_a_complete_one_ended(tiny, tmp_path):
    tiny.resumable("segmentation", tmp_path).run()
    longer = tiny.segmentation_trainer(max_epochs=5, handlers=[Resume(tmp_path)])
    started = []
    longer.add_event_handler(Events.ITERATION_STARTED, lambda e: started.append(e.state.iteration))
    longer.run()
    assert started == list(range(13, 21)) and longer.state.epoch == 5


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"stream": 6}, "its epochs have 4 updates, this run's 6"),
        ({"max_epochs": 2}, "at update 12, beyond this run's end at 8: raise max_epochs"),
    ],
)
def test_a_checkpoint_of_another_run_is_refused(tiny, tmp_path, options, message):
    tiny.resumable("segmentation", tmp_path).run()
    if "stream" in options:
        options = {"stream": tiny.Stream(epoch_length=options["stream"])}
    trainer = tiny.segmentation_trainer(**options, handlers=[Resume(tmp_path)])
    with pytest.raises(CheckpointError, match=message):
        trainer.run()


def test_a_checkpoint_of_another_stage_or_network_is_refused(tiny, tmp_path):
    tiny.resumable("segmentation", tmp_path).run()
    with pytest.raises(CheckpointError, match="another kind of training.*needs .*mask_discriminator"):
        tiny.resumable("cycle", tmp_path).run()
    wider = tiny.segmentation_trainer(network=tiny.Mapper(width=6), handlers=[Resume(tmp_path)])
    with pytest.raises(CheckpointError, match=r"checkpoint_00000012.pt \(network\): weights of another network"):
        wider.run()


def test_a_validation_at_an_epochs_end_is_not_lost(tiny, tmp_path):
    """The checkpoint at an epoch's last update is written after the epoch's handlers."""
    trainer = tiny.segmentation_trainer()
    saved = []
    trainer.add_event_handler(Events.EPOCH_COMPLETED, lambda: saved.append(len(list_checkpoints(tmp_path))))
    SaveCheckpoints(tmp_path, every=4, keep=9).attach(trainer)
    trainer.run()
    assert saved == [0, 1, 2] and len(list_checkpoints(tmp_path)) == 3
