# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""docs/programs.md in the real programs, under a virtual display: our files open, and clicks made there come back."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from bundle.annotations.formats.registry import read_clicks
from bundle.inference.batch import BatchSegmenter
from bundle.inference.model import load_network, segmenter_of
from bundle.objects.registry import choose_formats
from bundle.simulation.dataset import write_dataset

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "programs.md").read_text(encoding="utf-8")
IMAGEJ = Path("/usr/share/java/ij.jar")  # of Debian's package
CLICKS = [[60.0, 40.0], [20.25, 100.5]]  # x, y, as the page makes them
SCREEN = "-screen 0 1000x620x24"


def block(language):
    """The page's one piece of code in a language."""
    [code] = re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    return code


def show(folder, *command):
    """Run a program under a virtual display; skipped where there is none."""
    if not shutil.which("xvfb-run"):
        pytest.skip("there is no xvfb-run: install Debian's xvfb")
    display = ["xvfb-run", "-a", "-s", SCREEN, *command]
    done = subprocess.run(display, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]


@pytest.fixture
def folder(tmp_path):
    """Simulated tissue, and what `scripts.segment image` writes for it."""
    dataset = write_dataset(tmp_path / "data", images=1, size=(256, 320), seed=3, testing=0)
    shutil.copy(dataset / "images" / "simulated_000.tif", tmp_path / "tissue.tif")
    segmenter = segmenter_of(load_network(ROOT / "models" / "model.pt"))
    batch = BatchSegmenter(segmenter, tmp_path / "out", formats=choose_formats("ome-zarr"))
    assert batch.run([tmp_path / "tissue.tif"]).done == ["tissue"]
    (tmp_path / "clicks").mkdir()
    return tmp_path


def colours(path):
    """How many there are in a picture of a window: a blank one has few."""
    return len(np.unique(np.asarray(Image.open(path).convert("RGB")).reshape(-1, 3), axis=0))


def points_of(path):
    [clicks] = read_clicks(path)
    return clicks.points.tolist()


def test_napari_opens_labels_points_and_ome_zarr_and_its_clicks_come_back(folder):
    python = os.environ.get("NAPARI_PYTHON", "")
    if not python:
        pytest.skip("NAPARI_PYTHON names no Python of an environment with napari[pyqt6] and napari-ome-zarr")
    seen = "for layer in viewer.layers:\n    print(layer.name, layer.data.shape[-2:], layer.scale[-2:].tolist())\n"
    (folder / "look.py").write_text(block("python") + seen + "assert len(viewer.layers) == 4\nviewer.close()\n")
    show(folder, python, "look.py")
    assert colours(folder / "napari.png") > 1000 and colours(folder / "napari_ome_zarr.png") > 1000
    assert points_of(folder / "clicks" / "tissue.csv") == CLICKS


def test_imagej_opens_labels_and_points_and_its_clicks_come_back(folder):
    if not IMAGEJ.is_file() or not shutil.which("java"):
        pytest.skip("there is no ImageJ: install Debian's imagej and default-jre")
    (folder / "look.ijm").write_text(block("java"))
    show(folder, "java", "-jar", str(IMAGEJ), "-macro", str(folder / "look.ijm"))
    depth, objects = (folder / "seen.txt").read_text().split()[-2:]
    assert (depth, int(objects)) == ("24", tifffile.imread(folder / "out" / "labels" / "tissue.tif").max())
    assert colours(folder / "imagej.png") > 1000
    for name in ("tissue.roi", "tissue.zip"):
        assert points_of(folder / "clicks" / name) == CLICKS
    in_um = np.array(points_of(folder / "clicks" / "tissue_results.csv"))
    assert (in_um / 0.5).tolist() == CLICKS  # what --unit 0.5 does
