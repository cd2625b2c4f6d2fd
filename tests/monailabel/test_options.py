# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""What `--conf` sets, and what a machine without MONAI Label is told; neither needs the server."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def options():
    """The app's settings; the app's folder is no package."""
    path = ROOT / "docs" / "monailabel_app" / "nuclei_options.py"
    spec = importlib.util.spec_from_file_location("nuclei_options", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # its data class looks for it there
    spec.loader.exec_module(module)
    yield module.Options
    del sys.modules[spec.name]


def test_settings_left_out_have_defaults(options, tmp_path):
    found = options.of({"server_mode": "true"}, str(tmp_path))  # MONAI Label adds this one
    assert (found.mpp, found.diameter, found.preset, found.device) == (None, None, "cpu", "auto")
    assert found.model == ROOT / "models" / "model.pt" and found.training_dir == tmp_path / "nuclei_training"


def test_settings_come_as_text(options, tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    (tmp_path / "mine.pt").touch()
    conf = {"model": str(tmp_path / "mine.pt"), "mpp": "0.25", "diameter": "8", "preset": "smoke", "device": "cuda:1"}
    conf |= {"intensity": "100,4095"}
    found = options.of({**conf, "training_dir": str(tmp_path / "runs")}, "images")
    assert found == options(tmp_path / "mine.pt", 0.25, 8.0, "smoke", "cuda:1", tmp_path / "runs", (100, 4095))


@pytest.mark.parametrize(
    ("conf", "message"),
    [
        ({"mmp": "0.5"}, "--conf mmp: there is no such setting; choose among model, mpp"),
        ({"mpp": "0"}, "mpp is '0': give a positive number"),
        ({"intensity": "100"}, "intensity is '100': give two stored intensities"),
        ({"model": "none.pt"}, "--conf model none.pt: there is no such file"),
        ({"device": "cuda:99"}, "--conf device cuda:99: device is 'cuda:99', but torch .* finds .* CUDA GPUs here"),
    ],
)
def test_settings_of_no_use_are_refused_and_said(options, conf, message):
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        options.of(conf, "images")


def test_without_the_server_its_tests_say_so_and_are_skipped(label_python, monkeypatch):
    monkeypatch.delenv("MONAILABEL_PYTHON", raising=False)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(pytest.skip.Exception, match="the MONAI Label server is not installed here: set MONAILABEL_P"):
        label_python()
    monkeypatch.setenv("MONAILABEL_PYTHON", "nowhere/python")
    with pytest.raises(FileNotFoundError, match="MONAILABEL_PYTHON is nowhere/python: no such file"):
        label_python()
