# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Values of wrong types in files that this project writes and reads again: each ends in a message, never otherwise."""

from __future__ import annotations

import json

import pytest
import torch

from bundle.data.split import read_split
from bundle.engines.checkpoint import CheckpointError, load_checkpoint, save_checkpoint
from bundle.files.manifest import StageManifest, differences, stage_state
from bundle.files.manifest_file import MANIFEST, read_manifest
from bundle.files.stage_progress import stage_seconds
from bundle.pipeline.settings import parse_overrides
from bundle.slide_segmentation.store import SlideFolder

WRONG = [None, 3, "text", [1], [[]], {"a": 1}, True]
DEEP = ["[" * 100_000, '{"a":' * 100_000]


def accepted(name, value):
    """Whether this is a value that a manifest may have."""
    if name in ("stage",):
        return isinstance(value, str)
    if name in ("complete", "replacing"):
        return isinstance(value, bool)
    return isinstance(value, dict) and name not in ("written", "sessions")


@pytest.mark.parametrize(
    "name",
    ["stage", "complete", "replacing", "settings", "inputs", "record", "versions", "notes", "written", "sessions"],
)
@pytest.mark.parametrize("value", WRONG)
def test_parts_of_a_manifest(tmp_path, name, value):
    manifest = StageManifest(tmp_path, "segmentation", {"a": 1})
    manifest.begin()
    manifest.finish()
    content = read_manifest(tmp_path)
    (tmp_path / MANIFEST).write_text(json.dumps(content | {name: value}))
    if accepted(name, value):
        read_manifest(tmp_path)
        return
    for use in (read_manifest, stage_seconds, lambda folder: stage_state(folder, {}, {})):
        with pytest.raises(ValueError, match=f"manifest.json: {name} is .*, which should be .*move the folder"):
            use(tmp_path)
    with pytest.raises(ValueError, match=name):
        differences(tmp_path, {}, {})


@pytest.mark.parametrize("text", [*DEEP, "9" * 5000, "\udcff", "null", "[]"], ids=lambda text: text[:8])
def test_files_that_are_no_manifest(tmp_path, text):
    (tmp_path / MANIFEST).write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(ValueError, match=r"manifest\.json .*move the folder"):
        read_manifest(tmp_path)


@pytest.mark.parametrize("text", DEEP, ids=["lists", "objects"])
def test_other_files_that_are_nested_too_deeply(tmp_path, text):
    for name, read in (("split.json", lambda: read_split(tmp_path / "split.json", None)),):
        (tmp_path / name).write_text(text)
        with pytest.raises(ValueError, match=f"{name}: is no JSON .nested too deeply"):
            read()
    (tmp_path / "plan.json").write_text(text)
    with pytest.raises(ValueError, match=r"plan\.json: no plan .nested too deeply"):
        SlideFolder(tmp_path).read_plan()


@pytest.mark.parametrize("value", ["[" * 100_000, "(" * 5000, "-" * 100_000 + "1", "{1:" * 5000])
def test_settings_that_are_nested_too_deeply(value):
    try:
        found = parse_overrides(f"a={value}")
    except ValueError as error:
        assert "override value" in str(error)
    else:
        assert found == {"a": value}  # text


def test_a_plan_whose_tissue_would_fill_the_memory(tmp_path):
    plan = {"tissue": {"shape": [10**6, 10**6], "bits": "8A=="}}
    for shape in ([10**6, 10**6], [-1, 4], [4], "44", [True, 4], [2.0, 2], [10**400, 1], None):
        plan["tissue"]["shape"] = shape
        (tmp_path / "plan.json").write_text(json.dumps(plan))
        with pytest.raises(ValueError, match=r"plan\.json: no plan"):
            SlideFolder(tmp_path).read_plan()


@pytest.mark.parametrize(
    "change",
    [{"state": None}, {"state": [1]}, {"state": {}}, {"step": "3"}, {"step": None}, {"step": True}, {"format": 1}],
)
def test_checkpoints_of_wrong_types(tmp_path, change):
    network = torch.nn.Conv2d(1, 1, 1)
    stateful = {"network": network, "optimizer": torch.optim.Adam(network.parameters())}
    path = save_checkpoint(stateful, 3, tmp_path, 1)
    content = torch.load(path, weights_only=True)
    torch.save(content | change, path)
    with pytest.raises(CheckpointError, match="checkpoint_00000003.pt"):
        load_checkpoint(stateful, path)


@pytest.mark.parametrize("value", [None, 3, "text", [], {"weight": 1}, {"weight": [torch.zeros(1)]}])
@pytest.mark.parametrize("name", ["network", "optimizer"])
def test_state_of_wrong_types(tmp_path, name, value):
    network = torch.nn.Conv2d(1, 1, 1)
    stateful = {"network": network, "optimizer": torch.optim.Adam(network.parameters())}
    path = save_checkpoint(stateful, 3, tmp_path, 1)
    content = torch.load(path, weights_only=True)
    content["state"][name] = value
    torch.save(content, path)
    with pytest.raises(CheckpointError, match="checkpoint_00000003.pt"):
        load_checkpoint(stateful, path)
