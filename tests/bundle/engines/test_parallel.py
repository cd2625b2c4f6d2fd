# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Two processes train as one does, from the start and from each other's checkpoints, and write everything once."""

from __future__ import annotations

import csv
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import ignite.distributed as idist
import pytest
import torch

from bundle.engines.base import Reporter
from bundle.engines.checkpoint import list_checkpoints
from bundle.engines.parallel import join_processes, local_device, replicate, share_of

ROOT = Path(__file__).parents[3]
PROGRAM = Path(__file__).with_name("tiny_processes.py")
RUNS = ("two", "one_then_two", "two_then_one")
STEPS = (5, 10, 12)


@pytest.fixture(scope="module")
def together():
    """The module tiny_processes.py beside this file."""
    spec = importlib.util.spec_from_file_location("tiny_processes", PROGRAM)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def runs(together, tmp_path_factory):
    """A folder with run/kind: `one` alone, `two` in two processes, and each continued by the other from update 5 on."""
    root = tmp_path_factory.mktemp("parallel")
    torch.set_num_threads(1)
    for kind in together.KINDS:
        together.train(kind, root / "one" / kind)
        hand_over(root, "one", "one_then_two", kind)
    start = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    command = [*start, str(PROGRAM), str(root)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-5000:]
    for kind in together.KINDS:
        hand_over(root, "two", "two_then_one", kind)
        together.train(kind, root / "two_then_one" / kind)
    return root


def hand_over(root, first, second, kind):
    """Copy the checkpoint at update 5 of a run into the folder of another."""
    (root / second / kind).mkdir(parents=True)
    shutil.copy(root / first / kind / "checkpoint_00000005.pt", root / second / kind)


def losses(folder):
    """Update -> loss terms by name."""
    with open(folder / "losses.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    return {int(row.pop("step")): {k: float(v) for k, v in row.items() if k != "seconds"} for row in rows}


def leaves(state, name=""):
    """Every leaf of a nested state by its path."""
    if isinstance(state, dict):
        return {k: v for key, item in state.items() for k, v in leaves(item, f"{name}/{key}").items()}
    if isinstance(state, list | tuple):
        return {k: v for key, item in enumerate(state) for k, v in leaves(item, f"{name}/{key}").items()}
    return {name: state}


def state_at(folder, step):
    """Leaves of a checkpoint, but for the clock and the random state of the process, from which nothing is drawn."""
    state = leaves(torch.load(folder / f"checkpoint_{step:08d}.pt", weights_only=True)["state"])
    return {key: value for key, value in state.items() if key != "/trainer/seconds" and not key.startswith("/random")}


@pytest.mark.slow
@pytest.mark.parametrize("run", RUNS)
@pytest.mark.parametrize("kind", ["cycle", "segmentation"])
def test_the_losses_are_those_of_one_process(runs, kind, run):
    expected, found = losses(runs / "one" / kind), losses(runs / run / kind)
    assert list(expected) == [3, 6, 9, 12] and list(found) == ([3, 6, 9, 12] if run == "two" else [6, 9, 12])
    for step, terms in found.items():
        assert terms == pytest.approx(expected[step], abs=1e-5, rel=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("run", RUNS)
@pytest.mark.parametrize("kind", ["cycle", "segmentation"])
def test_the_checkpoints_are_those_of_one_process(runs, kind, run):
    """Weights, moments of the optimizers, pools of all places, averages, losses not yet read; nothing else differs."""
    for step in STEPS:
        expected, found = state_at(runs / "one" / kind, step), state_at(runs / run / kind, step)
        assert list(expected) == list(found)
        for key in expected:
            if isinstance(expected[key], torch.Tensor):
                torch.testing.assert_close(found[key], expected[key], atol=1e-5, rtol=1e-5, msg=lambda m, k=key: k + m)
            else:
                assert found[key] == expected[key], key


@pytest.mark.slow
def test_the_pools_were_full_and_hold_one_share_for_each_place_of_the_whole_batch(runs):
    for pool in ("image_pool", "mask_pool"):
        assert state_at(runs / "two" / "cycle", 5)[f"/{pool}/images"].shape == (2, 2, 3, 16, 16)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["network.pt", "average.pt"])
def test_the_exported_weights_are_those_of_one_process(runs, name):
    expected, found = (torch.load(runs / run / "cycle" / name, weights_only=True) for run in ("one", "two"))
    assert list(expected) == list(found)
    for key in expected:
        torch.testing.assert_close(found[key], expected[key], atol=1e-5, rtol=1e-5)


@pytest.mark.slow
def test_the_first_process_writes_everything_and_once(runs):
    first, second = (json.loads((runs / f"written_{rank}.json").read_text()) for rank in (0, 1))
    assert second == [] and len(first) == len(set(first))
    saved = {name for name in first if "checkpoint" in name}
    assert saved == {
        *(f"two/{kind}/checkpoint_{step:08d}.pt" for kind in ("cycle", "segmentation") for step in STEPS),
        *(f"one_then_two/{kind}/checkpoint_{step:08d}.pt" for kind in ("cycle", "segmentation") for step in (10, 12)),
    }
    log = (runs / "two" / "cycle" / "train.log").read_text()
    assert log.count("versions:") == log.count("update 12/12") == 1 and "3 epochs of 4 updates in 2 processes" in log
    assert len(list_checkpoints(runs / "two" / "cycle")) == 3


# one process that plays its part


@pytest.fixture
def pretend(monkeypatch):
    """Let this process believe that it is number `rank` of `processes`."""

    def place(rank, processes):
        monkeypatch.setattr(idist, "get_rank", lambda: rank)
        monkeypatch.setattr(idist, "get_world_size", lambda: processes)

    return place


class Told(Reporter):
    """Notes that it was attached."""

    def __init__(self, names):
        self.names = names

    def attach(self, engine):
        self.names.append(type(self).__name__)


class Acts:
    attach, __init__ = Told.attach, Told.__init__


@pytest.mark.parametrize(("rank", "attached"), [(0, ["Acts", "Told"]), (1, ["Acts"])])
def test_reporters_are_attached_in_the_first_process_alone(tiny, pretend, rank, attached):
    trainer, names = tiny.segmentation_trainer(), []
    pretend(rank, 2)
    trainer.attach_handlers([Acts(names), Told(names)])
    assert names == attached


def test_a_batch_is_shared_evenly_or_refused(pretend):
    pretend(1, 4)
    assert share_of(12, "synthesis_batch_size") == 3
    with pytest.raises(ValueError, match=r"synthesis_batch_size is 6, .* 4 processes .* a multiple of 4, or start"):
        share_of(6, "synthesis_batch_size")


def test_a_process_alone_has_the_whole_batch_and_the_network_itself():
    network = torch.nn.Linear(1, 1)
    assert share_of(3, "batch_size") == 3 and replicate(network) is network


def test_every_process_has_a_device_of_its_own(monkeypatch):
    monkeypatch.setenv("LOCAL_RANK", "1")
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "3")
    for gpus, device in ((0, "cpu"), (3, "cuda:1"), (8, "cuda:1")):
        monkeypatch.setattr(torch.cuda, "device_count", lambda gpus=gpus: gpus)
        assert local_device() == torch.device(device)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(ValueError, match=r"3 processes for 2 GPUs: start torchrun with --nproc_per_node=2"):
        local_device()


def test_without_torchrun_there_is_nobody_to_join(monkeypatch):
    monkeypatch.delenv("LOCAL_RANK", raising=False)
    with pytest.raises(ValueError, match="start it with torchrun"):
        join_processes(torch.device("cpu"), 60)
