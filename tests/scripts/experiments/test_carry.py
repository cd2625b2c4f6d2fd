# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""What is taken along from a lent machine: whole at every moment, within its limits, and joined again bit for bit."""

from __future__ import annotations

import json
import subprocess
import zipfile

import numpy as np
import pytest
import torch

from bundle.files.writers import write_png
from bundle.inference.model import ModelCard, describe_network, load_network, write_card
from bundle.networks.compact import Compact
from scripts.experiments import carry as carry_module
from scripts.experiments.carry import FIGURES, README, SUMS, Carry, CarryOptions, join_weights, read_sums


@pytest.fixture
def small_files(monkeypatch):
    """Files of 20,000 bytes at most: the weights below need several."""
    monkeypatch.setattr(carry_module, "FILE_BYTES", 20_000)


def carrier(root, weights="generator,segmenter", mib=1000, files=30):
    (root / "run").mkdir(exist_ok=True)
    return Carry(root / "run", CarryOptions(str(root / "out"), mib, files, weights), ("generator", "segmenter"))


def tensors(count, seed=0):
    return {"weight": torch.randn(count, generator=torch.Generator().manual_seed(seed)), "steps": torch.tensor(7)}


def names(folder):
    return sorted(path.name for path in folder.iterdir() if ".part" in path.name)


def test_weights_come_out_as_they_went_in_but_for_float16(tmp_path, small_files):
    carry, network = carrier(tmp_path), Compact(channels=(8, 16))
    write_card(tmp_path / "run" / "cards" / "segmenter.pt", ModelCard(describe_network(network), mpp=0.5))
    assert carry.add_weights("segmenter", 12, network.state_dict()) and carry.holds("segmenter", 12)
    assert len(names(carry.folder)) > 1 and all(path.stat().st_size <= 20_000 for path in carry.folder.glob("*.part*"))
    carry.write_figures("all well")
    join_weights(str(carry.folder), str(tmp_path / "joined"))
    joined = load_network(tmp_path / "joined" / "segmenter.pt").network.state_dict()
    for name, value in network.state_dict().items():
        assert torch.equal(joined[name], value.half().float() if value.is_floating_point() else value), name


def test_the_command_in_the_readme_joins_them_too(tmp_path, small_files):
    carry = carrier(tmp_path)
    carry.add_weights("generator", 3, tensors(30_000))
    carry.write_figures("all well")
    command = next(line for line in (carry.folder / README).read_text().splitlines() if line.startswith("cat "))
    checked = subprocess.run(["sh", "-c", command], cwd=carry.folder, capture_output=True, text=True, check=True)
    assert checked.stdout.count(": OK") == len(names(carry.folder)) + 1
    state = torch.load(carry.folder / "generator_000003.pt", weights_only=True)
    assert torch.equal(state["weight"], tensors(30_000)["weight"].half()) and state["steps"] == 7


def test_newer_weights_take_the_place_of_older_ones(tmp_path, small_files):
    carry = carrier(tmp_path)
    for step, count in ((100, 40_000), (200, 9_000)):
        assert carry.add_weights("generator", step, tensors(count, step))
        assert carry.add_weights("segmenter", step, tensors(3_000, step))
    assert names(carry.folder) == ["generator_000200.pt.part00", "segmenter_000200.pt.part00"]
    assert set(read_sums(carry.folder)) == {*names(carry.folder), "generator_000200.pt", "segmenter_000200.pt"}
    assert not carry.holds("generator", 100)


def test_what_is_less_wanted_makes_room(tmp_path, small_files, monkeypatch):
    monkeypatch.setattr(carry_module, "MIB", 20_000)  # of which one file is the figures'
    carry = carrier(tmp_path, "segmenter,generator", mib=3)
    assert carry.add_weights("generator", 1, tensors(15_000))
    assert carry.add_weights("segmenter", 1, tensors(8_000)) and names(carry.folder) == ["segmenter_000001.pt.part00"]
    assert not carry.add_weights("generator", 2, tensors(15_000)) and not carry.holds("generator", 2)
    assert carry.add_weights("generator", 2, tensors(5_000)) and len(names(carry.folder)) == 2
    few = carrier(tmp_path, "segmenter,generator", files=5)  # three of them are no weights
    assert not few.add_weights("generator", 3, tensors(15_000))


@pytest.mark.parametrize("damage", ["changed", "gone", "sums", "none"])
def test_parts_that_are_not_whole_are_refused_by_name(tmp_path, small_files, damage):
    carry = carrier(tmp_path)
    carry.add_weights("generator", 3, tensors(30_000))
    part, sums = carry.folder / "generator_000003.pt.part01", carry.folder / SUMS
    if damage == "changed":
        part.write_bytes(part.read_bytes()[:-1] + b"x")
    elif damage == "gone":
        part.unlink()
    elif damage == "sums":
        lines = [line for line in sums.read_text().splitlines() if not line.endswith("part01")]
        sums.write_text("\n".join(lines))
    else:
        sums.unlink()
    error = {"changed": "part01: is not what", "gone": "part01: is not there", "sums": "do not make"}
    with pytest.raises((ValueError, FileNotFoundError), match=error.get(damage, "names no weights")):
        join_weights(str(carry.folder), str(tmp_path / "joined"))
    assert not (tmp_path / "joined" / "generator.pt").exists()


def test_sums_that_point_elsewhere_are_no_weights(tmp_path):
    (tmp_path / SUMS).write_text(f"{'0' * 64}  ../../generator_000003.pt.part00\n")
    with pytest.raises(FileNotFoundError, match="names no weights"):
        join_weights(str(tmp_path), str(tmp_path / "joined"))


def test_figures_hold_tables_first_then_the_newest_pictures_small(tmp_path, monkeypatch):
    carry, run = carrier(tmp_path), tmp_path / "run"
    for folder in ("published/synthesis/samples", "published/labels", "carry"):
        (run / folder).mkdir(parents=True)
    (run / "published/synthesis/watch.csv").write_text("step,contrast\n200,-.1\n")
    (run / "published/synthesis/checkpoint_00000001.pt").write_bytes(bytes(100))
    (run / "published/labels/one.json").write_text("{}")
    noise = np.random.default_rng(0).integers(0, 255, (1200, 1500, 3), dtype=np.uint8)
    write_png(run / "published/synthesis/samples/update_000200.png", noise)
    carry.write_figures("two of three")
    with zipfile.ZipFile(carry.folder / FIGURES) as archive:
        assert archive.namelist() == ["published/synthesis/watch.csv", "published/synthesis/samples/update_000200.png"]
        assert archive.read("published/synthesis/watch.csv") == b"step,contrast\n200,-.1\n"
    assert (carry.folder / README).read_text().startswith("two of three") and "0 left out" in (
        carry.folder / README
    ).read_text()
    monkeypatch.setattr(carry_module, "FILE_BYTES", 100_000)
    carry.write_figures("two of three")
    with zipfile.ZipFile(carry.folder / FIGURES) as archive:
        assert archive.namelist() == ["published/synthesis/watch.csv"]
    assert "1 left out" in (carry.folder / README).read_text()


def test_values_that_float16_does_not_hold_stay_as_they_are(tmp_path):
    carry = carrier(tmp_path)
    carry.add_weights("generator", 1, {"large": torch.tensor([1e6]), "small": torch.tensor([0.5])})
    join_weights(str(carry.folder), str(tmp_path / "joined"))
    state = torch.load(tmp_path / "joined" / "generator.pt", weights_only=True)
    assert state["large"].item() == 1e6 and state["small"].dtype == torch.float16


def test_unknown_weights_are_refused(tmp_path):
    with pytest.raises(ValueError, match="weights names 'painter': choose of generator, segmenter"):
        carrier(tmp_path, "painter")
    assert json.dumps(read_sums(tmp_path)) == "{}"
