# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Stage 3 in two processes, as torchrun starts them: the losses and the model of one process."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bundle.files.manifest_file import read_manifest
from bundle.inference.model import load_network
from bundle.simulation.dataset import write_dataset

ROOT = Path(__file__).resolve().parents[2]
TORCHRUN = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"]


def train(dataset, folder, launcher, *overlays):
    """Stage 3 at the smoke preset, every update in the table of losses."""
    layers = [str(ROOT / "configs" / name) for name in ("train.json", "presets/smoke.yaml", *overlays)]
    options = {"dataset_dir": dataset, "output_dir": folder, "bundle_root": ROOT, "precision": "float32"}
    words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    words += ["--train#trainer#log_every", "1"]
    command = [sys.executable, *launcher, "-m", "monai.bundle", "run", "--config_file", str(layers), *words]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (done.stdout + done.stderr)[-5000:]
    with open(folder / "losses.csv", newline="") as file:
        return [float(row["total"]) for row in csv.DictReader(file)]


@pytest.mark.slow
def test_the_losses_are_those_of_one_process(tmp_path):
    dataset = write_dataset(tmp_path / "data", images=2, size=(80, 80), seed=1, testing=0)
    alone = train(dataset, tmp_path / "alone", [])
    shared = train(dataset, tmp_path / "shared", TORCHRUN, "multi_gpu_train.json")
    assert len(alone) > 2 and shared == pytest.approx(alone, rel=1e-4)
    assert load_network(tmp_path / "shared").card == load_network(tmp_path / "alone").card
    assert read_manifest(tmp_path / "shared")["complete"]
    assert "in 2 processes" in (tmp_path / "shared" / "train.log").read_text()
