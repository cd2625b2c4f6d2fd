# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Checkpoint files: whole or absent, plain data, refused where they do not belong."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch
from torch import nn

from bundle.engines import checkpoint
from bundle.engines.checkpoint import latest_checkpoint, list_checkpoints, load_checkpoint, save_checkpoint
from bundle.engines.random_state import RandomState
from bundle.networks.weights import CheckpointError, load_weights, save_weights


def stateful(seed=0, outputs=2):
    torch.manual_seed(seed)
    network = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, outputs))
    optimizer = torch.optim.AdamW(network.parameters(), 0.1)
    network(torch.rand(5, 3)).sum().backward()
    optimizer.step()
    return {"network": network, "optimizer": optimizer, "random": RandomState()}


def assert_same(first, second):
    assert first.keys() == second.keys() and all(torch.equal(first[key], second[key]) for key in first)


def test_everything_comes_back(tmp_path):
    saved, other = stateful(0), stateful(1)
    path = save_checkpoint(saved, 7, tmp_path / "new" / "folder", keep=1)
    drawn = random.random(), np.random.rand(), torch.rand(1)
    assert load_checkpoint(other, path) == 7
    assert (random.random(), np.random.rand(), torch.rand(1)) == drawn
    assert_same(other["network"].state_dict(), saved["network"].state_dict())
    moments = [things["optimizer"].state_dict()["state"][0] for things in (other, saved)]
    assert_same(*moments)


def test_normal_numbers_in_reserve_come_back(tmp_path):
    """Python and numpy draw normal numbers in pairs and keep the second."""
    things = {"random": RandomState()}
    random.gauss(0, 1), np.random.randn()
    path = save_checkpoint(things, 0, tmp_path, keep=1)
    drawn = random.gauss(0, 1), np.random.randn()
    random.seed(3), np.random.seed(3)
    load_checkpoint(things, path)
    assert (random.gauss(0, 1), np.random.randn()) == drawn


def test_a_write_that_breaks_off_leaves_the_old_file_and_no_new_one(tmp_path, monkeypatch):
    first = save_checkpoint(stateful(), 1, tmp_path, keep=2)
    before = first.read_bytes()

    def half(content, file):
        file.write(before[: len(before) // 2])
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(checkpoint.torch, "save", half)
        for step in (1, 2):
            with pytest.raises(OSError, match="No space"):
                save_checkpoint(stateful(), step, tmp_path, keep=2)
    assert list_checkpoints(tmp_path) == [first] and first.read_bytes() == before
    assert latest_checkpoint(tmp_path) == first
    save_checkpoint(stateful(), 2, tmp_path, keep=2)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoint_00000001.pt", "checkpoint_00000002.pt"]


def test_a_cut_file_is_passed_over_and_does_not_push_out_a_whole_one(tmp_path, caplog):
    whole = save_checkpoint(stateful(), 3, tmp_path, keep=1)
    cut = tmp_path / "checkpoint_00000009.pt"
    cut.write_bytes(whole.read_bytes()[:-30])
    assert latest_checkpoint(tmp_path) == whole
    assert "passed over" in caplog.text and "checkpoint_00000009.pt: damaged" in caplog.text
    assert save_checkpoint(stateful(), 4, tmp_path, keep=1) in list_checkpoints(tmp_path)
    assert [path.name for path in list_checkpoints(tmp_path)] == ["checkpoint_00000004.pt"]


def test_the_newest_stay(tmp_path):
    for step in (99, 100, 5000):
        save_checkpoint({}, step, tmp_path, keep=2)
    assert [path.name for path in list_checkpoints(tmp_path)] == ["checkpoint_00000100.pt", "checkpoint_00005000.pt"]
    (tmp_path / "checkpoint_best.pt").touch()
    assert latest_checkpoint(tmp_path).name == "checkpoint_00005000.pt"


def test_an_empty_or_absent_folder_has_no_checkpoint(tmp_path):
    assert latest_checkpoint(tmp_path) is None and latest_checkpoint(tmp_path / "absent") is None


def test_another_network_is_refused_by_name_and_nothing_changes(tmp_path):
    path = save_checkpoint(stateful(outputs=5), 1, tmp_path, keep=1)
    other = stateful(outputs=2)
    before = other["network"][0].weight.clone()
    named = r"checkpoint_00000001.pt \(network\): weights of another network than this Sequential: 2 of another shape"
    entries = r" \(such as 2.weight \[5, 4\], not \[2, 4\]; 2.bias.*trained with"
    with pytest.raises(CheckpointError, match=named + entries):
        load_checkpoint(other, path)
    assert torch.equal(other["network"][0].weight, before)


def test_weights_come_back_flat(tmp_path):
    first, second = stateful(0)["network"], stateful(1)["network"]
    save_weights(first, tmp_path / "model.pt")
    assert set(torch.load(tmp_path / "model.pt", weights_only=True)) == set(first.state_dict())
    load_weights(second, tmp_path / "model.pt")
    assert torch.equal(first[2].weight, second[2].weight)


def test_missing_and_unexpected_weights_are_named(tmp_path):
    save_weights(nn.Sequential(nn.Linear(2, 2)), tmp_path / "model.pt")
    wanted = nn.ModuleDict({"head": nn.Linear(2, 2)})
    entries = r"2 missing \(such as head.weight; head.bias\), 2 unexpected \(such as 0.weight"
    with pytest.raises(CheckpointError, match=entries):
        load_weights(wanted, tmp_path / "model.pt")


def test_files_that_are_something_else(tmp_path):
    weights, junk, bare = tmp_path / "model.pt", tmp_path / "junk.pt", tmp_path / "code.pt"
    save_weights(nn.Linear(1, 1), weights)
    junk.write_bytes(b"no checkpoint at all")
    torch.save(nn.Linear(1, 1), bare)  # a pickled module could run code
    with pytest.raises(CheckpointError, match="model.pt: not a training checkpoint"):
        load_checkpoint({}, weights)
    for path in (junk, bare):
        with pytest.raises(CheckpointError, match=f"{path.name}: damaged, or not a file of plain tensors"):
            load_checkpoint({}, path)
    with pytest.raises(CheckpointError, match="not a flat state dict"):
        load_weights(nn.Linear(1, 1), save_checkpoint(stateful(), 1, tmp_path, keep=1))
    with pytest.raises(FileNotFoundError, match=r"absent.pt: no such"):
        load_weights(nn.Linear(1, 1), tmp_path / "absent.pt")
