# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""A bundle of tiny stages and a tiny data set, to run the pipeline's own logic in no time."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bundle.pipeline.request import Request
from bundle.pipeline.stages import DATASET, Stage

ENGINE = """
import os
import time
from pathlib import Path

import torch
from ignite.engine import Engine, Events


class TinyTrainer(Engine):
    # Counts updates in a file, so that a resumed run goes on; waits in update 2 while the file `block` is there.

    def __init__(self, dataset_dir, output_dir, updates, width, resume, block=""):
        self.folder, self.seen = Path(output_dir), sorted(os.listdir(Path(dataset_dir) / "images"))
        self.count, self.block = self.folder / "count.txt", block
        if not resume:
            self.count.unlink(missing_ok=True)
        done = int(self.count.read_text()) if self.count.is_file() else 0
        self.first, self.updates = done + 1, updates
        super().__init__(self.update)

    def update(self, engine, batch):
        while batch["number"] == 2 and os.path.exists(self.block) and "rehearsal" not in str(self.folder):
            time.sleep(0.05)
        partial = self.folder / "count.partial"
        partial.write_text(str(batch["number"]))
        os.replace(partial, self.count)
        with open(self.folder / "updates.txt", "a") as file:
            file.write(f"{batch['number']} ")

    def run(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        batches = [{"image": torch.zeros(2, 3, 8, 8), "number": n} for n in range(self.first, self.updates + 1)]
        super().run(batches, max_epochs=1)
"""
TRAIN = """
dataset_dir: nowhere
output_dir: nowhere
width: 4
updates: 5
channels: 3
resume: false
block: ""
train:
  trainer:
    _target_: tiny_engine.TinyTrainer
    dataset_dir: "@dataset_dir"
    output_dir: "@output_dir"
    updates: "@updates"
    width: "@width"
    resume: "@resume"
    block: "@block"
run: ["$@train::trainer.run()"]
"""
PREDICT = """
text: hello
imports: ["$import pathlib"]
run: ["$pathlib.Path(@output_dir, 'seen.txt').write_text(@train_dir + ' ' + @split + ' ' + @text)"]
"""
LOGGING = """
[loggers]
keys=root
[handlers]
keys=console
[formatters]
keys=
[logger_root]
level=ERROR
handlers=console
[handler_console]
class=StreamHandler
args=(sys.stdout,)
"""
UNDEFINED = """
width: "@height"
run: ["$print(@width)"]
"""
REFUSE = """
run: ["$int('seven')"]
"""


@pytest.fixture
def bundle_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A bundle whose configurations are tiny."""
    root = tmp_path / "root"
    (root / "configs" / "presets").mkdir(parents=True)
    (root / "configs" / "variants").mkdir()
    (root / "tiny_engine.py").write_text(ENGINE)
    for name, text in (
        ("train.yaml", TRAIN),
        ("predict.yaml", PREDICT),
        ("refuse.yaml", REFUSE),
        ("undefined.yaml", UNDEFINED),
    ):
        (root / "configs" / name).write_text(text)
    (root / "configs" / "presets" / "tiny.yaml").write_text("updates: 3\n")
    (root / "configs" / "variants" / "wide.yaml").write_text("width: 8\nof_another_stage: 1\n")
    (root / "configs" / "logging.conf").write_text(LOGGING)
    (root / "configs" / "metadata.json").write_text('{"version": "0.0.1"}')
    monkeypatch.syspath_prepend(str(root))
    return root


@pytest.fixture
def dataset_dir(tmp_path: Path) -> Path:
    """Three images, two of them for training."""
    folder = tmp_path / "data"
    for part in ("images", "points", "labels"):
        (folder / part).mkdir(parents=True)
    for name in "abc":
        Image.fromarray(np.zeros((10, 20, 3), np.uint8)).save(folder / "images" / f"{name}.png")
        (folder / "points" / f"{name}.csv").write_text("x,y\n3,4\n")
    Image.fromarray(np.ones((10, 20), np.uint16)).save(folder / "labels" / "c.png")
    (folder / "split.json").write_text(json.dumps({"training": ["a", "b"], "testing": ["c"]}))
    return folder


@pytest.fixture
def stages() -> list[Stage]:
    """Training, then a stage that reads it; the names are those that a report looks for."""
    train = Stage(
        name="train",
        folder="synthesis",
        does="counts",
        config_files=("train.yaml",),
        workflow_type="train",
        reads={"dataset_dir": DATASET},
        images=("training",),
        trainers=("train::trainer",),
    )
    predict = Stage(
        name="predict",
        folder="predictions",
        does="writes",
        config_files=("predict.yaml",),
        workflow_type="infer",
        reads={"dataset_dir": DATASET, "train_dir": "synthesis"},
        images=("testing",),
        parts=("images", "points", "labels"),
        paced_by="synthesis",
        share=0.5,
    )
    return [train, predict]


@pytest.fixture
def make_request(bundle_root: Path, dataset_dir: Path, tmp_path: Path) -> Callable[..., Request]:
    """A request of the tiny preset; fields can be set."""

    def make(**fields: object) -> Request:
        request = {
            "dataset_dir": dataset_dir,
            "output_dir": tmp_path / "out",
            "bundle_root": bundle_root,
            "preset": "tiny",
        }
        return Request(**(request | fields))  # type: ignore[arg-type]

    return make
