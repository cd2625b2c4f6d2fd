# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Before and after are measured at the spacing of the data set, whatever is stated of the images it is made of."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from bundle.annotations.tile_set import TILES
from bundle.click_page.work.figures import measure_by_clicks
from bundle.files.bundle_root import MODEL
from bundle.files.images import read_image
from bundle.files.writers import write_image
from bundle.label_server.query import Query
from bundle.simulation.dataset import write_dataset


def test_tiles_are_measured_at_their_own_spacing(tmp_path: Path) -> None:
    plain = write_dataset(tmp_path / "plain", images=1, size=(160, 200), testing=0, seed=3)
    tiles = tmp_path / "tiles"
    shutil.copytree(plain, tiles)
    (image,) = (plain / "images").iterdir()
    (tiles / "images" / image.name).unlink()
    write_image(tiles / "images" / f"{image.stem}.tif", read_image(image).array, 0.5)
    (tiles / TILES).write_text("tile,image\n")
    right = measure_by_clicks(Query(MODEL, 0.5), plain)
    assert measure_by_clicks(Query(MODEL, 0.25), tiles).detection_f1 == pytest.approx(right.detection_f1)
    assert measure_by_clicks(Query(MODEL, 0.25), plain).detection_f1 < right.detection_f1 - 0.1
