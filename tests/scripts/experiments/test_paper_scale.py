# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The paper's scale, rehearsed at smoke scale: all parts in order, killed in the middle, ended by the clock."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest
import torch

from bundle.engines.checkpoint import list_checkpoints
from bundle.files.manifest_file import read_manifest
from bundle.inference.model import load_network
from bundle.simulation.dataset import write_dataset
from scripts.experiments.carry import FIGURES, join_weights
from scripts.experiments.paper_scale import ScaleOptions, epochs_that_fit, paper_scale, pays, said
from scripts.experiments.part_log import DONE, FAILED, PartLog
from scripts.typed_options import call

ROOT = Path(__file__).resolve().parents[3]
PARTS = ["speed", "train", "paint", "segment", "measure", "accuracy"]
BUDGET = {"preset": "smoke", "device": "cpu"}


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """Three training images and one for testing, each of four crops of 64 um."""
    folder = tmp_path_factory.mktemp("paper_scale") / "data"
    return write_dataset(folder, images=4, size=(264, 264), seed=1, testing=1)


@pytest.fixture(autouse=True)
def few_turns(monkeypatch):
    """The speed is measured in few turns; the share of the time that it may take stays."""
    monkeypatch.setattr("scripts.experiments.paper_scale.TURNS", 4)


@pytest.fixture(scope="module")
def cut_and_ended(dataset):
    """A run of all parts that was killed in its training and started again: what it knew at the kill, and its end."""
    output = dataset.parent / "out"
    command = [sys.executable, "-m", "scripts.experiments", "paper_scale", "--dataset_dir", str(dataset)]
    command += ["--output_dir", str(output), "--preset", "smoke", "--device", "cpu", "--minutes", "8"]
    command += ["--updates", "90", "--set", "checkpoint_seconds=1"]
    folder = output / "published" / "synthesis"
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL, start_new_session=True) as process:
        try:
            while not list_checkpoints(folder):
                assert process.poll() is None
                time.sleep(0.05)
        finally:
            os.killpg(process.pid, signal.SIGKILL)
    cut = progress(output)
    assert cut["parts"]["train"]["state"] == "begun" and not (folder / "generator.pt").exists()
    assert (output / "carry" / FIGURES).is_file()
    return cut, subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def finished(dataset, cut_and_ended):
    """The folder of that run."""
    return dataset.parent / "out"


def progress(output):
    return json.loads((output / "progress.json").read_text())


def test_all_parts_are_done_in_order_each_with_a_budget(finished):
    parts = progress(finished)["parts"]
    assert list(parts) == PARTS and {part["state"] for part in parts.values()} == {DONE}
    assert all(part["seconds"] > 0 and part["budget_seconds"] > 0 for part in parts.values())
    speed = parts["speed"]["found"]
    assert speed["ours_updates_per_second"] > 0 and speed["plain_updates_per_second"] > 0
    assert sum(speed["shares"].values()) == pytest.approx(1, abs=1e-3)
    assert parts["train"]["found"]["updates_done"] == parts["train"]["found"]["updates"] == 90
    assert parts["segment"]["found"]["updates_done"] == parts["accuracy"]["found"]["updates_done"] == 6


def test_the_generator_is_the_published_one_and_the_segmenter_saw_synthetic_pairs_alone(finished):
    settings = read_manifest(finished / "published" / "synthesis")["settings"]
    assert settings["warm_start_epochs"] == 0 and settings["term_background"] is None
    assert not (finished / "published" / "synthetic" / "relabelled").exists()
    assert not (finished / "accuracy" / "synthesis" / "generator.pt").exists()


def test_what_is_taken_along_is_enough_to_go_on_elsewhere(finished, tmp_path):
    with zipfile.ZipFile(finished / "carry" / FIGURES) as archive:
        names = archive.namelist()
    for name in ("progress.json", "published/synthesis/watch.csv", "published/synthesis/losses.csv"):
        assert name in names
    for name in ("published/predictions/metrics.csv", "accuracy/predictions/metrics.csv", "cards/generator.json"):
        assert name in names
    assert any(name.startswith("published/synthesis/samples/noises_") for name in names)
    assert any(name.startswith("published/synthetic/images/") for name in names)
    join_weights(str(finished / "carry"), str(tmp_path))
    for name, original in (
        ("generator", "published/synthesis/generator.pt"),
        ("segmenter", "published/segmentation/model.pt"),
        ("accuracy", "accuracy/segmentation/model.pt"),
    ):
        files = tmp_path / f"{name}.pt", finished / original
        joined, own = (load_network(path).network.state_dict() for path in files)
        for key, value in own.items():
            assert joined[key].equal(value.half().float() if value.is_floating_point() else value), f"{name} {key}"


def test_the_synthetic_images_are_compared_with_the_real_ones(finished):
    quality = json.loads((finished / "published" / "quality.json").read_text())
    assert quality["crops"] == 12 and quality["mpp"] == 0.5 and quality["metrics"]["frechet_efficientnet"]["mean"] > 0


def test_it_says_what_was_found(finished):
    text = (finished / "carry" / "README.txt").read_text()
    with open(finished / "published" / "predictions" / "metrics.csv", newline="") as file:
        (image,) = csv.DictReader(file)
    assert f"synthetic pairs alone, on the testing images: AJI {float(image['aji']):.3f}" in text
    assert "train: done" in text and "of 8 minutes used" in text


def test_the_same_command_has_nothing_left_to_do(finished, dataset):
    before = {path: path.stat().st_mtime_ns for path in finished.rglob("*.pt")}
    call(paper_scale, str(dataset), str(finished), minutes=8.0, updates=90, set="checkpoint_seconds=1", **BUDGET)
    assert {path: path.stat().st_mtime_ns for path in finished.rglob("*.pt")} == before


def test_killed_in_its_training_it_goes_on_from_there(finished, cut_and_ended):
    cut, ended = cut_and_ended
    assert ended.returncode == 0, ended.stderr
    parts = progress(finished)["parts"]
    assert parts["speed"]["seconds"] == cut["parts"]["speed"]["seconds"]  # not measured again
    assert "resumed from" in ended.stderr and progress(finished)["seconds"] > cut["seconds"]


def test_a_training_ends_when_its_time_is_over_and_the_rest_is_done(dataset, tmp_path, monkeypatch):
    monkeypatch.setattr("scripts.experiments.paper_scale.epochs_that_fit", lambda budget, seconds, wanted: wanted)
    monkeypatch.setattr("scripts.experiments.paper_scale.LEAST_SHARE", 2.0)  # no accuracy part
    call(paper_scale, str(dataset), str(tmp_path), minutes=0.25, updates=300_000, **BUDGET)
    parts = progress(tmp_path)["parts"]
    assert list(parts) == PARTS[:-1] and {part["state"] for part in parts.values()} == {DONE}
    done = parts["train"]["found"]
    assert 0 < done["updates_done"] < done["updates"] == 300_000
    assert (tmp_path / "published" / "predictions" / "metrics.csv").is_file()


def test_compiled_networks_are_trained_where_they_pay(dataset, tmp_path, monkeypatch):
    fast = {"compiling_seconds": 0.0, "compiled_updates_per_second": 1e6}
    monkeypatch.setattr("scripts.experiments.paper_scale.compiled_speed", lambda sides: fast)
    monkeypatch.setattr("scripts.experiments.paper_scale.LEAST_SHARE", 2.0)
    with torch.compiler.set_stance("force_eager"):  # no compiler is needed to see that the networks are told to
        call(paper_scale, str(dataset), str(tmp_path), minutes=3.0, compiled=True, **BUDGET)
    parts = progress(tmp_path)["parts"]
    assert {part["state"] for part in parts.values()} == {DONE} and parts["train"]["found"]["compiled"] is True
    settings = read_manifest(tmp_path / "published" / "synthesis")["settings"]
    assert settings["compiled"] == "$[@generator, @segmenter]" and settings["synthesis_epochs"] == 2


def test_what_fails_is_said_and_the_rest_goes_on(tmp_path):
    log = PartLog(tmp_path / "log.json", 10)
    with log.part("first", 60):
        raise ValueError("no such card")
    with log.part("second", 60):
        log.note("second", found=3)
    again = PartLog(tmp_path / "log.json", 10)
    assert (again.state("first"), again.state("second"), again.state("third")) == (FAILED, DONE, "")
    assert again.parts["first"]["error"] == "no such card" and again.found("second") == {"found": 3}
    assert "no such card" in said(again, {})


def test_the_time_of_all_sessions_counts(tmp_path):
    (tmp_path / "log.json").write_text(json.dumps({"minutes": 2, "seconds": 90.0, "parts": {}}))
    log = PartLog(tmp_path / "log.json", 2)
    assert 29 < log.left <= 30 and log.share(0.1) == 12
    with pytest.raises(ValueError, match="minutes is 0"):
        PartLog(tmp_path / "log.json", 0)
    (tmp_path / "log.json").write_text("[]")
    with pytest.raises(ValueError, match="name another output folder"):
        PartLog(tmp_path / "log.json", 2)


@pytest.mark.parametrize("budget, wanted, fitting", [(100, 120, 50), (1000, 120, 120), (2.0, 9, 1)])
def test_as_many_epochs_as_fit(budget, wanted, fitting):
    assert epochs_that_fit(budget, 2.0, wanted) == fitting


def test_compiling_pays_where_it_takes_less_than_it_saves():
    speed = {"ours_updates_per_second": 10.0, "compiled_updates_per_second": 12.5, "compiling_seconds": 60.0}
    assert pays(speed, 12_000) and not pays(speed, 3_000)  # 20 % of 20 min, and of 5
    assert not pays({"ours_updates_per_second": 10.0, "compiled_error": "no compiler"}, 12_000)


def test_no_epoch_at_all_is_an_error():
    with pytest.raises(ValueError, match=r"no epoch of 2 s fits into the 1 s that are left: give more --minutes"):
        epochs_that_fit(1.0, 2.0, 9)


def test_wrong_settings_are_refused_before_any_time_is_spent(dataset, tmp_path):
    with pytest.raises(ValueError, match="no configuration has this id"):
        call(paper_scale, str(dataset), str(tmp_path), set="synthesis/crop=3", **BUDGET)
    with pytest.raises(FileNotFoundError):
        call(paper_scale, str(tmp_path / "none"), str(tmp_path / "out"), **BUDGET)
    assert ScaleOptions("data", "out").preset == "paper"
