# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""A download of the Data Science Bowl, made here, becomes a data folder."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from bundle.annotations.formats.dsb2018 import find_entries, image_file, label_of_masks
from bundle.data.folder import DataFolder
from scripts.prepare_data import dsb2018

SIZE = (24, 32)  # H, W
IDS = {"aaaa": "aaaa0001", "bbbb": "bbbb0002"}


def square(top, left):
    mask = np.zeros(SIZE, np.uint8)
    mask[top : top + 5, left : left + 7] = 255
    return mask


@pytest.fixture
def download(tmp_path):
    """Two images with transparency, as they are published: one of two objects, one of one; and an image of no split."""
    for number, name in enumerate((*IDS.values(), "cccc0003")):
        entry = tmp_path / "stage1_train" / name
        (entry / "images").mkdir(parents=True)
        (entry / "masks").mkdir()
        pixels = np.random.default_rng(number).integers(0, 256, (*SIZE, 4), np.uint8)
        pixels[..., 3] = 255
        Image.fromarray(pixels).save(entry / "images" / f"{name}.png")
        for count, mask in enumerate((square(12, 20), square(2, 3))[: 2 - number % 2]):
            Image.fromarray(mask).save(entry / "masks" / f"{count}.png")
    (tmp_path / "split.json").write_text(json.dumps({"training": ["aaaa"], "testing": ["bbbb"]}))
    return tmp_path / "stage1_train"


def test_the_download_becomes_a_data_folder(download, tmp_path):
    (tmp_path / "mpp.csv").write_text("image,mpp\nbbbb,0.25\naaaa,0.5\n")
    output = tmp_path / "data"
    dsb2018(str(download), str(tmp_path / "split.json"), str(output), spacings=str(tmp_path / "mpp.csv"))
    folder = DataFolder(output)
    [training], [testing] = folder.training, folder.testing
    assert (training.name, testing.name) == ("aaaa", "bbbb")
    sample, label = folder.load(training), folder.load_label(training)[0].numpy()
    published = np.asarray(Image.open(image_file(download / IDS["aaaa"])))[..., :3]
    np.testing.assert_array_equal((sample["image"].numpy() * 255).round(), published.transpose(2, 0, 1))
    assert sample["mpp"] == pytest.approx(0.5) and folder.load(testing)["mpp"] == pytest.approx(0.25)
    np.testing.assert_array_equal(label, 1 * (square(2, 3) > 0) + 2 * (square(12, 20) > 0))
    assert sample["points"].tolist() == [[6, 4], [23, 14]]


def test_without_spacings_images_say_none(download, tmp_path):
    dsb2018(str(download), str(tmp_path / "split.json"), str(tmp_path / "data"))
    folder = DataFolder(tmp_path / "data")
    assert folder.load(folder.training[0])["mpp"] is None


def test_what_does_not_fit_is_named(download, tmp_path):
    with pytest.raises(FileNotFoundError, match="elsewhere: no such folder"):
        find_entries(tmp_path / "elsewhere", ["aaaa"])
    with pytest.raises(FileNotFoundError, match=r"no folder of an image dddd\.\.\."):
        find_entries(download, ["dddd"])
    (download / "aaaa9").mkdir()
    with pytest.raises(ValueError, match="2 folders begin with aaaa"):
        find_entries(download, ["aaaa"])
    with pytest.raises(FileNotFoundError, match="holds 0 PNG files"):
        image_file(download / "aaaa9")
    with pytest.raises(FileNotFoundError, match="holds no mask"):
        label_of_masks(download / "aaaa9", SIZE)
    with pytest.raises(ValueError, match="1.png: has 32 x 24 px, its image 30 x 24"):
        (download / IDS["aaaa"] / "masks" / "0.png").unlink()
        label_of_masks(download / IDS["aaaa"], (24, 30))


def test_a_name_in_both_parts_leaves_nothing(download, tmp_path):
    (tmp_path / "split.json").write_text(json.dumps({"training": ["aaaa"], "testing": ["aaaa"]}))
    with pytest.raises(ValueError, match="aaaa is named 2 times"):
        dsb2018(str(download), str(tmp_path / "split.json"), str(tmp_path / "data"))
    assert not (tmp_path / "data").exists()
