# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Which training the button starts: from the given weights where they fit, with settings that its stages have."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bundle.click_page.clicks.click_folder import ClickFolder
from bundle.click_page.clicks.session import ClickSession
from bundle.click_page.work.job import ROOT
from bundle.click_page.work.models import Models
from bundle.click_page.work.trainer import Trainer
from bundle.data.folder import DataFolder
from bundle.files.bundle_root import MODEL
from bundle.label_server.runs import TrainingRuns
from bundle.pipeline.pipeline import check_request
from bundle.pipeline.stages import method_with
from bundle.simulation.dataset import write_dataset

SECONDS = 300.0


def trainer(folder: Path, preset: str) -> Trainer:
    (folder / "images").mkdir()
    (folder / "images" / "a.png").touch()
    session = ClickSession(ClickFolder(folder), lambda path: (10, 10))
    models = Models(TrainingRuns(folder / "trainings"), MODEL, 0.5)
    return Trainer(session, models, ThreadPoolExecutor(1), preset)


@pytest.mark.parametrize("grey", [False, True])
@pytest.mark.parametrize("preset", ["cpu", "smoke", "paper"])
def test_every_training_that_the_button_starts_has_settings_that_its_stages_know(
    tmp_path: Path, preset: str, grey: bool
) -> None:
    training = trainer(tmp_path, preset).training(grey)
    request = training.as_pipeline(ROOT)
    check_request(request, method_with(request.variants))
    fits = preset == "cpu" and not grey
    assert (training.init_weights == MODEL) == fits
    assert training.variant.startswith("pretrained" if fits else "real_only")


def test_from_given_weights_a_few_hundred_updates_are_made(tmp_path: Path) -> None:
    assert dict(trainer(tmp_path, "cpu").training(grey=False).epochs) == {"segmentation_epochs": 4}


def follow(training: Trainer, until: Callable[[], bool]) -> None:
    end = time.monotonic() + SECONDS
    while not until():
        assert time.monotonic() < end and not training.trouble, training.said
        training.poll()
        time.sleep(0.05)


@pytest.mark.slow
def test_a_training_that_is_stopped_goes_on_with_the_same_clicks(tmp_path: Path) -> None:
    data = write_dataset(tmp_path / "data", images=2, size=(160, 200), testing=0, seed=3)
    session = ClickSession(ClickFolder(data), lambda path: (160, 200))
    models = Models(TrainingRuns(data / "click" / "trainings"), MODEL, 0.5)
    with ThreadPoolExecutor(1) as thread:
        first = Trainer(session, models, thread, "smoke")
        first.begin(grey=False)
        follow(first, lambda: int(models.runs.progress().get("epoch", 0)) > 0)
        first.stop()
        assert first.said.startswith("stopped")
        follow(first, lambda: not first.busy)
        latest = models.runs.latest()  # perhaps stopped behind its last update: the smallest training is short
        assert first.said.startswith("stopped") and latest and len(models.known()) == 1 + latest.is_done()
        (run,) = (data / "click" / "trainings").glob("*/results")
        made = {path: path.stat().st_mtime_ns for path in run.rglob("*.pt")}
        again = Trainer(session, models, thread, "smoke")
        again.begin(grey=False)
        follow(again, lambda: again.comparison is not None)
    assert again.said.startswith("trained; on 2 images that it trained on")
    assert len(models.known()) == 2 and [*(data / "click" / "trainings").glob("*/results")] == [run]
    assert made or (run / "synthesis").is_dir()
    assert len(DataFolder(run.parent / "data").training) == 2
