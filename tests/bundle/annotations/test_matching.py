# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Which clicks belong to which image, and what is said of those that belong to none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bundle.annotations.clicks import Clicks
from bundle.annotations.matching import click_files, find_images, match, read_matched

IMAGES = {name: Path(f"{name}.png") for name in ("a", "b.1", "c")}


def clicks(file, image=None):
    return Clicks(Path(file), np.zeros((0, 2)), (), image=image)


@pytest.mark.parametrize(
    ("found", "name"),
    [
        (clicks("a.geojson"), "a"),
        (clicks("b.1.geojson"), "b.1"),
        (clicks("a.tif.geojson"), "a"),
        (clicks("a.svs.geojson"), "a"),
        (clicks("CellCounter_c.xml"), "c"),
        (clicks("markers.xml", image="c"), "c"),
        (clicks("project.json", image="1f2e3d4c-a"), "a"),
        (clicks("Counter Window - c.xml"), "c"),
        (clicks("c.xml", image="before it was renamed"), "c"),
    ],
)
def test_names_that_belong_together(found, name):
    assert match([found], IMAGES) == {name: found}


def test_what_belongs_to_nothing_is_said(caplog):
    matched = match([clicks("c.roi"), clicks("d.roi"), clicks("all.json", image="e"), clicks("a.roi")], IMAGES)
    assert list(matched) == ["a", "c"]
    assert "2 files of clicks belong to no image and are left out: d.roi, e (all.json)" in caplog.text
    assert "1 images have no clicks and are left out: b.1" in caplog.text


def test_nothing_that_fits_is_an_error_that_names_both_sides():
    with pytest.raises(
        ValueError, match=r"there are clicks d\.roi and images a, b\.1, c; give both the same base name"
    ):
        match([clicks("d.roi")], IMAGES)


def test_two_files_for_one_image_are_an_error():
    with pytest.raises(ValueError, match=r"a\.xml: is for image a, and so is a\.roi"):
        match([clicks("a.roi"), clicks("a.xml")], IMAGES)


def test_files_of_a_folder(tmp_path, caplog):
    for name in ("b.csv", "a.geojson", "a.png", ".hidden.csv", "notes.txt"):
        (tmp_path / name).write_text("x,y\n")
    (tmp_path / "images").mkdir()
    names = [path.name for path in click_files(tmp_path, tmp_path / "images")]
    assert names == ["a.geojson", "a.png", "b.csv"]
    assert "1 files are of no known format and left out: notes.txt" in caplog.text
    caplog.clear()
    assert [path.name for path in click_files(tmp_path, tmp_path)] == ["a.geojson", "b.csv"]  # pictures are the images
    assert not caplog.text
    assert click_files(tmp_path / "notes.txt", tmp_path) == [tmp_path / "notes.txt"]


def test_missing_and_empty_folders_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="gone: no such file or folder of clicks"):
        click_files(tmp_path / "gone", tmp_path)
    with pytest.raises(ValueError, match="holds no file of clicks"):
        click_files(tmp_path, tmp_path)
    with pytest.raises(FileNotFoundError, match="gone: no such image or folder"):
        find_images(tmp_path / "gone", (".png",))
    with pytest.raises(ValueError, match=r"holds no image \(\.png\)"):
        find_images(tmp_path, (".png",))


def test_one_file_of_clicks_is_for_the_one_image_whatever_its_name(tmp_path):
    (tmp_path / "RoiSet.csv").write_text("x,y\n1,2\n")
    image = tmp_path / "tissue.png"
    image.write_bytes(b"")
    images = find_images(image, (".png",))
    assert images == {"tissue": image}
    assert read_matched(tmp_path / "RoiSet.csv", images, image)["tissue"].points.tolist() == [[1, 2]]
