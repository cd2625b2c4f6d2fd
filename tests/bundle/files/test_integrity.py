# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""A changed byte is noticed wherever a file of tensors or a finished stage is used."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
import torch
from torch import nn

from bundle.engines.checkpoint import latest_checkpoint
from bundle.files.integrity import ChangedFileError, check_archive, check_recorded
from bundle.files.manifest import StageManifest, differences
from bundle.files.manifest_file import MANIFEST, read_manifest
from bundle.networks.weights import CheckpointError, load_weights, read, save, save_weights


def flip(path: Path, place: int) -> None:
    """Change one bit of a file."""
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)


def place_of_tensors(path: Path) -> int:
    """A byte of the numbers in a file of torch."""
    with zipfile.ZipFile(path) as archive:
        part = next(each for each in archive.infolist() if "/data/" in each.filename)
        return part.header_offset + 200  # beyond the part's header and padding


def test_torch_alone_would_load_a_changed_weight(tmp_path: Path) -> None:
    """What the check is for; when this fails, torch has learnt it."""
    path = tmp_path / "a.pt"
    torch.save({"a": torch.zeros(400)}, path)
    flip(path, place_of_tensors(path))
    assert torch.load(path, weights_only=True)["a"].count_nonzero() == 1


def test_a_changed_weight_is_refused(tmp_path: Path) -> None:
    network, path = nn.Linear(20, 20), tmp_path / "model.pt"
    save_weights(network, path)
    load_weights(nn.Linear(20, 20), path)
    flip(path, place_of_tensors(path))
    with pytest.raises(
        CheckpointError, match=r"model.pt: damaged \(the checksum of 'archive.*another one\): copy it again"
    ):
        load_weights(nn.Linear(20, 20), path)


def test_a_changed_checkpoint_is_passed_over(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for step in (1, 2):
        save({"a": torch.zeros(400)}, tmp_path / f"checkpoint_{step:08d}.pt")
    flip(tmp_path / "checkpoint_00000002.pt", place_of_tensors(tmp_path / "checkpoint_00000002.pt"))
    assert latest_checkpoint(tmp_path) == tmp_path / "checkpoint_00000001.pt"
    assert "passed over" in caplog.text and "checkpoint_00000002.pt: damaged" in caplog.text


@pytest.mark.parametrize("content", [b"", b"PK", b"no archive at all"])
def test_what_is_no_archive_is_damaged(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.pt").write_bytes(content)
    with pytest.raises(ChangedFileError, match=r"a.pt: damaged \("):
        check_archive(tmp_path / "a.pt")


@pytest.fixture
def stage(tmp_path: Path) -> Path:
    """A whole stage with weights, and weights in a folder of it."""
    manifest = StageManifest(tmp_path, "synthesis")
    manifest.begin()
    for name in ("generator.pt", "warm_start/segmenter.pt"):
        save({"a": torch.zeros(400)}, tmp_path / name)
    manifest.finish()
    return tmp_path


@pytest.mark.parametrize("name", ["generator.pt", "warm_start/segmenter.pt"])
def test_other_weights_in_a_finished_stage_are_refused(stage: Path, name: str) -> None:
    read(stage / name)
    assert differences(stage, {}, {}) == []
    save({"a": torch.ones(400)}, stage / name)  # whole, of the same size, and not what the stage wrote
    with pytest.raises(CheckpointError, match=rf"{name}: was changed after it had been written .*{MANIFEST}"):
        read(stage / name)
    assert differences(stage, {}, {}) == [f"{stage / name} has other bytes than were written"]


def test_what_no_manifest_lists_is_not_compared(stage: Path) -> None:
    save({"a": torch.ones(400)}, stage / "mine.pt")
    check_recorded(stage / "mine.pt")
    manifest = StageManifest(stage, "synthesis")
    manifest.begin()  # going on: what is there is being made
    save({"a": torch.ones(400)}, stage / "generator.pt")
    check_recorded(stage / "generator.pt")


def test_manifests_that_list_a_folder_by_its_size_alone_are_read(stage: Path) -> None:
    manifest = read_manifest(stage)
    assert manifest is not None
    del manifest["written"]["warm_start"]["sha256"]
    (stage / MANIFEST).write_text(json.dumps(manifest))
    read(stage / "warm_start/segmenter.pt")
    assert differences(stage, {}, {}) == []
