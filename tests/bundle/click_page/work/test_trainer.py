# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Which training the button starts: from the given weights where they fit, with settings that its stages have."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bundle.click_page.clicks.click_folder import ClickFolder
from bundle.click_page.clicks.session import ClickSession
from bundle.click_page.work.job import ROOT
from bundle.click_page.work.models import Models
from bundle.click_page.work.trainer import Trainer
from bundle.files.bundle_root import MODEL
from bundle.label_server.runs import TrainingRuns
from bundle.pipeline.pipeline import check_request
from bundle.pipeline.stages import method_with


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
