# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""What is trained on: regions where there are some, whole images elsewhere, a part kept back."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bundle.click_page.clicks.click_folder import ClickFolder
from bundle.click_page.clicks.session import ClickSession
from bundle.click_page.work.job import ROOT
from bundle.click_page.work.training_set import clicked_images, write_set
from bundle.label_server.training import Training

SIZE = (200, 220)  # H, W


def make(folder: Path, names: str) -> ClickSession:
    (folder / "images").mkdir(parents=True)
    for name in names:
        Image.fromarray(np.full((*SIZE, 3), 200, np.uint8)).save(folder / "images" / f"{name}.png")
    return ClickSession(ClickFolder(folder), lambda path: SIZE)


def write(session: ClickSession, folder: Path) -> dict[str, int]:
    """Image or tile -> clicks in it."""
    training = Training("cpu", "real_only", mpp=0.5)
    folder.mkdir()
    write_set(folder, clicked_images(session), training, training.as_pipeline(ROOT))
    return {path.stem: len(path.read_text().splitlines()) - 1 for path in (folder / "points").glob("*.csv")}


def test_images_without_regions_count_as_clicked_all_over(tmp_path: Path) -> None:
    session = make(tmp_path / "data", "abc")
    session.clicks("a").edit(add=[(10, 10), (50, 60)])
    session.clicks("c").state_empty()
    assert write(session, tmp_path / "out") == {"a": 2}
    assert not (tmp_path / "out" / "split.json").exists()


def test_with_a_region_anywhere_tiles_are_cut(tmp_path: Path) -> None:
    session = make(tmp_path / "data", "ab")
    session.clicks("a").edit(add=[(10, 10), (50, 60), (200, 190)])
    session.clicks("a").add_region((0, 0), (149, 149))
    session.clicks("b").edit(add=[(100, 100), (1, 1)])
    found = write(session, tmp_path / "out")
    assert found == {"a_x0_y0": 2, "b_x0_y0": 2}
    whole = Image.open(tmp_path / "out" / "images" / "b_x0_y0.tif")
    assert whole.size == (SIZE[1], SIZE[0])


def test_of_enough_images_each_fifth_is_kept_back(tmp_path: Path) -> None:
    session = make(tmp_path / "data", "abcdef")
    for name in "abcdef":
        session.clicks(name).edit(add=[(10, 10)])
    assert len(write(session, tmp_path / "out")) == 6
    split = json.loads((tmp_path / "out" / "split.json").read_text())
    assert split == {"training": ["a", "b", "c", "d", "f"], "testing": ["e"]}


def test_nothing_clicked_and_regions_too_small_are_named(tmp_path: Path) -> None:
    session = make(tmp_path / "data", "ab")
    with pytest.raises(ValueError, match="nothing is clicked yet"):
        clicked_images(session)
    session.clicks("a").edit(add=[(10, 10)])
    session.clicks("a").add_region((0, 0), (50, 50))
    with pytest.raises(ValueError, match="128 x 128 px"):
        write(session, tmp_path / "out")
