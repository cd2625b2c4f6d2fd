# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Joined data sets: one folder in which every image says for itself what its data set said."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from bundle.data.derived_folder import SOURCES
from bundle.data.diameters import Diameter
from bundle.data.folder import DataFolder
from bundle.data.joining import ensure_joined, first_diameter
from bundle.data.sources import Source
from bundle.files.images import read_image
from bundle.files.writers import write_image
from bundle.simulation.dataset import write_dataset


@pytest.fixture
def two(tmp_path: Path) -> list[Source]:
    """Three images at 0.25 and two at 0.5 um per px, one of each for testing."""
    first = write_dataset(tmp_path / "first", images=3, size=(48, 64), seed=1, testing=1)
    second = write_dataset(tmp_path / "second", images=2, size=(40, 40), seed=2, testing=1)
    return [Source(first, 0.25, Diameter(24, "px"), 0.8), Source(second, 0.5, Diameter(8), 0.2)]


def test_images_keep_pixels_points_and_parts(two: list[Source], tmp_path: Path) -> None:
    joined = DataFolder(ensure_joined(two, tmp_path / "joined"))
    assert (len(joined.training), len(joined.testing)) == (3, 2)
    for source in two:
        alone = DataFolder(source.dataset_dir, source.mpp)
        for part in ("training", "testing"):
            for item in alone.items(part):
                found = next(
                    each for each in joined.items(part) if each.name == f"{source.dataset_dir.name}_{item.name}"
                )
                one, other = alone.load(item), joined.load(found)
                assert np.array_equal(one["image"], other["image"]) and np.array_equal(one["points"], other["points"])
                assert other["mpp"] == pytest.approx(source.mpp)
                assert np.array_equal(alone.load_label(item), joined.load_label(found))
    joined.check_points()


def test_diameters_are_in_um_and_shares_add_up_per_data_set(two: list[Source], tmp_path: Path) -> None:
    joined = DataFolder(ensure_joined(two, tmp_path / "joined"))
    first = [item for item in joined.training if item.name.startswith("first_")]
    second = [item for item in joined.training if item.name.startswith("second_")]
    assert {item.diameter for item in first} == {Diameter(6.0)} and second[0].diameter == Diameter(8.0)
    shares = [sum(item.share or 0 for item in items) for items in (first, second)]
    assert shares[0] / sum(shares) == pytest.approx(0.8) and sum(shares) == pytest.approx(3)  # 1 on average


def test_without_shares_and_diameters_there_are_no_such_tables(two: list[Source], tmp_path: Path) -> None:
    plain = [Source(source.dataset_dir, source.mpp) for source in two]
    joined = ensure_joined(plain, tmp_path / "joined")
    assert not (joined / "shares.csv").exists() and not (joined / "diameters.csv").exists()


def test_own_diameters_of_images_stay(two: list[Source], tmp_path: Path) -> None:
    name = DataFolder(two[1].dataset_dir).training[0].name
    (two[1].dataset_dir / "diameters.csv").write_text(f"image,diameter_px\n{name},20\n")
    joined = ensure_joined(two, tmp_path / "joined")
    with open(joined / "diameters.csv", newline="") as file:
        assert {row["image"]: float(row["diameter_um"]) for row in csv.DictReader(file)}[f"second_{name}"] == 10.0


def test_the_same_again_finds_what_is_there_and_a_change_is_refused(two: list[Source], tmp_path: Path) -> None:
    folder = ensure_joined(two, tmp_path / "joined")
    before = (folder / SOURCES).stat().st_mtime_ns
    assert ensure_joined(two, folder) == folder and (folder / SOURCES).stat().st_mtime_ns == before
    with pytest.raises(FileExistsError, match="made of other data sets"):
        ensure_joined([two[0], Source(two[1].dataset_dir, 0.5, Diameter(9), 0.2)], folder)
    points = next((two[0].dataset_dir / "points").iterdir())
    points.write_text(points.read_text() + "3,3\n")
    with pytest.raises(FileExistsError, match="have changed since"):
        ensure_joined(two, folder)
    assert len(json.loads((folder / SOURCES).read_text())) == 2


def test_a_folder_of_something_else_is_left_alone(two: list[Source], tmp_path: Path) -> None:
    (tmp_path / "joined").mkdir()
    (tmp_path / "joined" / "mine.txt").write_text("mine")
    with pytest.raises(FileExistsError, match="nothing was derived here"):
        ensure_joined(two, tmp_path / "joined")
    assert [path.name for path in (tmp_path / "joined").iterdir()] == ["mine.txt"]


def test_different_channels_are_refused_and_nothing_stays(two: list[Source], tmp_path: Path) -> None:
    for path in (two[1].dataset_dir / "images").iterdir():
        grey = read_image(path).array[:1]
        path.unlink()
        write_image(path.with_suffix(".tif"), grey, None)
    with pytest.raises(ValueError, match=r"different channels: .*first.* has 3 and .*second.* has 1"):
        ensure_joined(two, tmp_path / "joined")
    assert not (tmp_path / "joined").exists()


def test_an_unknown_spacing_names_the_image(two: list[Source], tmp_path: Path) -> None:
    for path in (two[1].dataset_dir / "images").iterdir():
        array = read_image(path).array
        path.unlink()
        write_image(path.with_suffix(".tif"), array, None)
    with pytest.raises(ValueError, match="second.*um per px unknown: state it for this data set in --mpp"):
        ensure_joined([two[0], Source(two[1].dataset_dir, None, Diameter(8), 0.2)], tmp_path / "joined")


def test_two_folders_of_one_name_are_refused(two: list[Source], tmp_path: Path) -> None:
    other = write_dataset(tmp_path / "elsewhere" / "first", images=2, size=(40, 40), seed=3, testing=0)
    with pytest.raises(ValueError, match="called 'first': rename one"):
        ensure_joined([two[0], Source(other, 0.25, None, 0.2)], tmp_path / "joined")


def test_the_first_diameter_is_in_um(two: list[Source]) -> None:
    assert first_diameter(two) == Diameter(6.0) and first_diameter(two[1:]) == Diameter(8.0)
    assert first_diameter([Source(two[0].dataset_dir)]) is None
