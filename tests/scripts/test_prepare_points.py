# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The commands that turn clicks into data folders, run as a user types them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bundle.data.folder import DataFolder
from scripts.prepare_data import points, tiles
from scripts.typed_options import call

ROOT = Path(__file__).resolve().parents[2]
SIZE = (64, 80)  # H, W


@pytest.fixture
def here(tmp_path):
    """A picture with clicks and a region of QuPath."""
    (tmp_path / "images").mkdir()
    Image.fromarray(np.full((*SIZE, 3), 128, np.uint8)).save(tmp_path / "images" / "a.png")
    place = {"type": "Point", "coordinates": [20.5, 10.5]}
    ring = [[10, 5], [60, 5], [60, 45], [10, 45], [10, 5]]
    cell = {"type": "Feature", "geometry": place, "properties": {"classification": {"name": "Immune cells"}}}
    region = {"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [ring]}, "properties": {}}
    (tmp_path / "a.geojson").write_text(json.dumps([cell]))
    (tmp_path / "regions.geojson").write_text(json.dumps([region]))
    return tmp_path


def test_clicks_become_a_data_folder(here):
    call(points, str(here / "a.geojson"), str(here / "images"), str(here / "out"), classes="Immune cells")
    folder = DataFolder(here / "out")
    assert folder.load(folder.training[0])["points"].tolist() == [[20, 10]]
    assert (here / "out/check/a.png").is_file()
    with pytest.raises(FileExistsError, match="nothing of it is touched"):
        call(points, str(here / "a.geojson"), str(here / "images"), str(here / "out"))


def test_regions_become_tiles(here):
    image, clicks, regions = (str(here / name) for name in ("images/a.png", "a.geojson", "regions.geojson"))
    call(tiles, clicks, image, str(here / "out"), regions, image_mpp=0.5, smallest=32)
    folder = DataFolder(here / "out")
    (sample,) = [folder.load(item) for item in folder.training]
    assert sample["image"].shape == (3, 40, 50) and sample["points"].tolist() == [[10, 5]]


def test_nothing_is_left_when_a_file_is_bad(here):
    (here / "a.geojson").write_text("{")
    before = sorted(here.iterdir())
    with pytest.raises(ValueError, match=r"a\.geojson: is no whole JSON"):
        call(points, str(here / "a.geojson"), str(here / "images"), str(here / "out"))
    with pytest.raises(ValueError, match=r"regions\.geojson: 1 marks are outlines, not points .*--centroids"):
        call(points, str(here / "regions.geojson"), str(here / "images/a.png"), str(here / "out"))
    assert sorted(here.iterdir()) == before


def test_it_runs_from_the_command_line_with_classes_that_hold_spaces(here):
    command = [sys.executable, "-m", "scripts.prepare_data", "points", "--input", str(here / "a.geojson")]
    options = ["--images", str(here / "images"), "--output", str(here / "$a #1"), "--classes", "Immune cells"]
    done = subprocess.run([*command, *options, "--shift=-0.5"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (here / "$a #1/points/a.csv").read_text() == "x,y\n19.50,9.50\n"
    assert "look at" in done.stderr
