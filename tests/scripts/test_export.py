# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""docs/export.md: its code, which knows nothing of this project, gives the same instances."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from bundle.inference.model import load_network, segmenter_of
from bundle.simulation.dataset import write_dataset
from scripts.package import onnx as write_onnx

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "export.md").read_text(encoding="utf-8")
NUMPY, SCRIPT = re.findall(r"```python\n(.*?)```", PAGE, re.S)
MODEL = ROOT / "models" / "model.pt"


@pytest.fixture(scope="module")
def picture(tmp_path_factory):
    """A simulated image of one window, and what our segmenter makes of it."""
    pytest.importorskip("onnxruntime")
    folder = tmp_path_factory.mktemp("export")
    data = write_dataset(folder / "data", images=2, size=(256, 256), seed=4, testing=1)
    source = sorted((data / "images").iterdir())[0]
    Image.open(source).convert("RGB").save(folder / "image.png")
    pixels = np.asarray(Image.open(folder / "image.png"), np.float32) / 255
    model = load_network(MODEL)
    return folder, segmenter_of(model)(torch.from_numpy(pixels).permute(2, 0, 1), model.card.mpp).label[0].numpy()


def test_the_lines_give_the_same_instances_without_our_code(picture):
    folder, expected = picture
    write_onnx(model=str(MODEL), output=str(folder / "model.onnx"))
    done = subprocess.run([sys.executable, "-I", "-c", NUMPY], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = np.load(folder / "label.npy")
    pairs = np.unique(np.stack([found[expected > 0], expected[expected > 0]]), axis=1)
    assert expected.max() > 20 and np.array_equal(found > 0, expected > 0)
    assert len(np.unique(pairs[0])) == len(np.unique(pairs[1])) == pairs.shape[1]  # one to one


def test_it_is_fifty_lines_of_code():
    lines = [line for line in NUMPY.splitlines() if line.strip() and not line.startswith(("import ", "from "))]
    assert len(lines) <= 50 and "bundle" not in NUMPY and "torch" not in NUMPY


def test_the_scripted_network_needs_no_code_of_ours_either(picture, monkeypatch):
    folder, _ = picture
    monkeypatch.chdir(folder)
    exec(SCRIPT.replace('"models/model.pt"', repr(str(MODEL))), {})
    image = torch.rand(1, 3, 70, 50)
    with torch.inference_mode():
        torch.save((image, load_network(MODEL).network(image)), folder / "pair.pt")
    code = "import torch; image, seen = torch.load('pair.pt'); found = torch.jit.load('model.ts')(image)"
    code += "; assert torch.allclose(found, seen, atol=1e-5)"
    done = subprocess.run([sys.executable, "-I", "-c", code], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
