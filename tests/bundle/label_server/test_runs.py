# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Trainings that a server started: where they lie, how they go, and which model is served."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bundle.files.manifest import StageManifest
from bundle.label_server.runs import TrainingRuns, updates_of
from bundle.label_server.training import Training
from bundle.pipeline.stages import METHOD

ROOT = Path(__file__).resolve().parents[3]


def writing(text):
    """What writes a data set of one file."""

    def write(folder):
        (folder / "points").mkdir()
        (folder / "points" / "a.csv").write_text(text)

    return write


def test_the_same_clicks_and_settings_have_the_same_folder(tmp_path):
    runs = TrainingRuns(tmp_path / "runs")
    first = runs.prepare(writing("x,y\n1,1\n"), {"preset": "cpu"})
    (first.data / "kept").touch()
    assert runs.prepare(writing("x,y\n1,1\n"), {"preset": "cpu"}) == first
    assert (first.data / "kept").exists()  # what is there stays
    others = {
        runs.prepare(writing("x,y\n1,2\n"), {"preset": "cpu"}),
        runs.prepare(writing("x,y\n1,1\n"), {"preset": "demo"}),
    }
    assert len(others | {first}) == 3
    assert sorted(path.name for path in runs.folder.iterdir()) == sorted(run.folder.name for run in others | {first})


def test_nothing_stays_of_a_data_set_that_cannot_be_written(tmp_path):
    runs = TrainingRuns(tmp_path / "runs")

    def write(folder):
        (folder / "half").touch()
        raise ValueError("no clicks")

    with pytest.raises(ValueError, match="no clicks"):
        runs.prepare(write, {})
    assert not list(runs.folder.iterdir())


def stage(run, folder, complete, seconds=2.0):
    path = run.results / folder
    manifest = StageManifest(path, folder)
    manifest.begin()
    (path / "made.txt").touch()
    if complete:
        manifest.finish()
        content = json.loads((path / "manifest.json").read_text())
        content["sessions"][-1]["seconds"] = seconds
        (path / "manifest.json").write_text(json.dumps(content))


def test_progress_counts_updates_and_names_what_runs(tmp_path):
    runs = TrainingRuns(tmp_path / "runs")
    assert runs.progress() == {} and runs.served() is None
    run = runs.prepare(writing("x,y\n1,1\n"), {})
    trained = {"synthesis/warm_start": 100, "synthesis": 200, "segmentation": 300}
    runs.begin(run, {**trained, "synthetic": 0, "predictions": 0})
    assert runs.progress()["epoch"] == 0 and set(runs.progress()["stages"].values()) == {"waits"}
    stage(run, "synthesis", complete=False)
    warm = run.results / "synthesis" / "warm_start"
    warm.mkdir()
    (warm / "losses.csv").write_text("step,seconds,total\n50,1,2\n100,2,1\n")
    (run.results / "synthesis" / "losses.csv").write_text("step,seconds,total\n40,1,2\n")
    progress = runs.progress()
    assert progress["updates"] == {"synthesis/warm_start": 100, "synthesis": 40, "segmentation": 0}
    assert (progress["epoch"], progress["total_epochs"]) == (140, 600) and "total_time" not in progress
    assert progress["stages"]["synthesis"] == "runs" and progress["stages"]["segmentation"] == "waits"
    for each in METHOD:
        stage(run, each.folder, complete=True)
    assert runs.progress()["epoch"] == 600
    assert runs.progress()["total_time"] == 9.0  # three took 2 s, and the one that was cut 3 s by its clocks


def test_the_model_of_the_last_finished_training_is_served(tmp_path):
    runs = TrainingRuns(tmp_path / "runs")
    for text in ("x,y\n1,1\n", "x,y\n2,2\n"):
        run = runs.prepare(writing(text), {})
        run.model.parent.mkdir(parents=True)
        run.model.touch()
        runs.publish(run)
        assert runs.served() == run.model
    run.model.unlink()
    assert runs.served() is None


@pytest.mark.parametrize("name", ["../elsewhere", "/etc", "", None, 3])
def test_a_pointer_to_elsewhere_is_not_followed(tmp_path, name):
    runs = TrainingRuns(tmp_path / "runs")
    (tmp_path / "runs").mkdir()
    (tmp_path / "elsewhere" / "results" / "segmentation").mkdir(parents=True)
    (tmp_path / "elsewhere" / "results" / "segmentation" / "model.pt").touch()
    (tmp_path / "runs" / "served.json").write_text(json.dumps({"run": name}))
    assert runs.served() is None


@pytest.mark.parametrize(("preset", "expected"), [("smoke", (6, 6, 6)), ("cpu", (600, 600, 2000))])
def test_updates_follow_from_the_configuration(preset, expected):
    names = ("synthesis/warm_start", "synthesis", "segmentation")
    rest = {"synthetic": 0, "predictions": 0}
    assert updates_of(Training(preset).as_pipeline(ROOT)) == {**dict(zip(names, expected, strict=True)), **rest}
    ours = {"synthetic": 0, "segmentation": expected[2], "predictions": 0}
    assert updates_of(Training(preset, "pretrained").as_pipeline(ROOT)) == ours
    shorter = Training(preset, epochs={"segmentation_epochs": 1})
    assert updates_of(shorter.as_pipeline(ROOT))["segmentation"] < expected[2]
