# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Pairs of copied nuclei: a data folder at the model's spacing, as many pairs as asked for, the same each time."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from bundle.data.diameters import Diameter
from bundle.data.folder import DataFolder
from bundle.data.training_images import LabelledTrainingImages
from bundle.files.images import load_image
from bundle.inference.pasting import CopyPaster
from bundle.simulation.dataset import write_dataset
from transforms.shapes.area_laws import UniformAreaLaw


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> DataFolder:
    return DataFolder(write_dataset(tmp_path_factory.mktemp("tissue") / "data", images=2, size=(96, 120), testing=0))


def paster(pairs: int = 2, seed: int = 0) -> CopyPaster:
    return CopyPaster(UniformAreaLaw(12.0), 0.5, pairs=pairs, seed=seed)


def test_pairs_are_a_data_folder_with_one_object_per_point(folder: DataFolder, tmp_path: Path) -> None:
    paster().write_labels(folder.as_dicts("training"), tmp_path)
    written = DataFolder(tmp_path)
    assert [item.name for item in written.training] == [f"simulated_00{i}_00{n}" for i in (0, 1) for n in (0, 1)]
    for item, source in zip(written.training[::2], folder.training, strict=True):
        sample = written.load(item)
        assert sample["mpp"] == pytest.approx(0.5) and written.load_label(item).max() == len(sample["points"])
        own = folder.load(source)
        assert sample["image"].shape == own["image"].shape
        torch.testing.assert_close(sample["points"], own["points"])
        assert not torch.equal(sample["image"], own["image"])
    training_images = LabelledTrainingImages(written.as_dicts("training", ("image", "label")), 0.5)
    assert [scene.size for scene in training_images.training_images] == [(96, 120)] * 4


def test_a_pair_depends_on_seed_place_and_number_alone(folder: DataFolder, tmp_path: Path) -> None:
    for name, options in {"two": {}, "one": {"pairs": 1}, "other": {"pairs": 1, "seed": 1}}.items():
        paster(**options).write_labels(folder.as_dicts("training"), tmp_path / name)
    images = {name: (tmp_path / name / "images" / "simulated_001_000.tif") for name in ("two", "one", "other")}
    read = {name: load_image(path).image for name, path in images.items()}
    assert torch.equal(read["two"], read["one"]) and not torch.equal(read["one"], read["other"])
    second = load_image(tmp_path / "two" / "images" / "simulated_001_001.tif").image
    assert not torch.equal(read["two"], second)


def test_pairs_that_are_there_stay(folder: DataFolder, tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "simulated_000_000.tif").write_bytes(b"made before the cut")
    paster(1).write_labels(folder.as_dicts("training"), tmp_path)
    assert (tmp_path / "images" / "simulated_000_000.tif").read_bytes() == b"made before the cut"
    assert (tmp_path / "images" / "simulated_001_000.tif").is_file()


def test_an_image_with_a_diameter_of_its_own_has_objects_of_that_size(folder: DataFolder, tmp_path: Path) -> None:
    data = folder.as_dicts("training")
    small = [item | {"diameter": Diameter(3.0)} for item in data]
    areas = []
    for name, items in (("usual", data), ("small", small)):
        paster(1).write_labels(items, tmp_path / name)
        areas.append((DataFolder(tmp_path / name).load_label(DataFolder(tmp_path / name).training[0]) > 0).sum())
    assert areas[1] < 0.5 * areas[0]
