# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The loader as MONAI transforms: the same values, shapes and errors, and what the metadata say."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
import torch
from monai.data import DataLoader, Dataset, MetaTensor
from monai.transforms import Compose
from PIL import Image

from bundle.data.readers import ReadImage, ReadImaged, ReadLabel, ReadLabeld, ReadPointsd
from bundle.files.images import load_image


@pytest.fixture
def files(tmp_path):
    """One image that knows its spacing, taller than wide, with a label and points."""
    pixels = np.random.default_rng(0).integers(0, 2**16, (12, 8, 3), np.uint16)
    tags = {"resolution": (40_000, 40_000), "resolutionunit": "CENTIMETER"}
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="rgb", **tags)
    Image.fromarray(np.eye(12, 8, dtype=np.uint16)).save(tmp_path / "a.png")
    (tmp_path / "a.csv").write_text("x,y\n7,11\n1,2\n")
    return {"image": str(tmp_path / "a.tif"), "label": str(tmp_path / "a.png"), "points": str(tmp_path / "a.csv")}


CHAIN = [ReadImaged("image"), ReadLabeld("label"), ReadPointsd("points")]


def test_a_dictionary_of_paths_becomes_one_of_tensors(files):
    read = Compose(CHAIN)(files)
    assert isinstance(files["image"], str)
    assert torch.equal(read["image"].as_tensor(), load_image(files["image"]).image)
    assert read["image"].shape == (3, 12, 8) and read["label"].shape == (1, 12, 8)
    assert read["label"].dtype == torch.int32
    assert read["points"].tolist() == [[7, 11], [1, 2]]
    assert read["image"].meta["filename_or_obj"] == files["image"] and read["image"].meta["mpp"] == 0.25


def test_array_forms_equal_dictionary_forms(files):
    read = Compose(CHAIN)(files)
    assert torch.equal(ReadImage()(files["image"]), read["image"])
    assert torch.equal(ReadLabel()(files["label"]), read["label"])


def test_an_unknown_spacing_is_no_key(files):
    read = ReadImage(channels=1)(files["label"])
    assert isinstance(read, MetaTensor) and "mpp" not in read.meta
    assert ReadImage(channels=1, mpp=0.5)(files["label"]).meta["mpp"] == 0.5


def test_missing_keys_only_where_allowed(files):
    del files["label"]
    assert set(ReadLabeld("label", allow_missing_keys=True)(files)) == {"image", "points"}
    with pytest.raises(KeyError, match="label"):
        ReadLabeld("label")(files)


def test_a_label_of_another_size_is_refused(files):
    Image.fromarray(np.eye(8, 12, dtype=np.uint16)).save(files["label"])
    with pytest.raises(ValueError, match="the label is 12 x 8 px and its image 8 x 12 px"):
        ReadLabeld("label")(ReadImaged("image")(files))
    assert ReadLabeld("label")(files)["label"].shape == (1, 8, 12)  # no image read yet: nothing to compare with


def test_batches_keep_names(files):
    loader = DataLoader(Dataset([files, files], Compose(CHAIN[:2])), batch_size=2)
    batch = next(iter(loader))
    assert batch["image"].shape == (2, 3, 12, 8)
    assert batch["image"].meta["filename_or_obj"] == [files["image"]] * 2
