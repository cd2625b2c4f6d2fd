# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Written images and labels come back to the last bit, with their spacing, and never by halves."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image

from bundle.files import writers
from bundle.files.images import read_image
from bundle.files.labels import read_label
from bundle.files.writers import write_image, write_label, write_png


@pytest.mark.parametrize(("largest", "dtype"), [(0, np.uint16), (65_535, np.uint16), (65_536, np.uint32)])
def test_labels_keep_every_id(tmp_path: Path, largest: int, dtype: type) -> None:
    label = torch.tensor([[[0, largest], [min(1, largest), largest // 2]]], dtype=torch.int32)
    write_label(tmp_path / "a.tif", label, mpp=0.25)
    read = tifffile.imread(tmp_path / "a.tif")
    assert read.dtype == dtype
    assert np.array_equal(read, label[0].numpy())


@pytest.mark.parametrize("count", [65_535, 65_792])
def test_our_reader_gives_back_as_many_objects_as_were_written(tmp_path: Path, count: int) -> None:
    label = torch.arange(1, 65_793, dtype=torch.int32).reshape(1, 256, 257)
    label[label > count] = 0
    write_label(tmp_path / "a.tif", label)
    assert torch.equal(read_label(tmp_path / "a.tif", (256, 257)), label)


def test_a_label_of_numpy_is_as_good_as_one_of_torch(tmp_path: Path) -> None:
    label = np.arange(6, dtype=np.int32).reshape(1, 2, 3)
    write_label(tmp_path / "a.tif", label)
    assert np.array_equal(tifffile.imread(tmp_path / "a.tif"), label[0])


@pytest.mark.parametrize("mpp", [0.25, 0.2273, 0.5, 1.3])
def test_files_carry_the_spacing_and_no_unknown_one(tmp_path: Path, mpp: float) -> None:
    label, image = torch.ones(1, 4, 5, dtype=torch.int32), np.zeros((3, 4, 5), np.uint8)
    write_label(tmp_path / "label.tif", label, mpp)
    write_image(tmp_path / "image.tif", image, mpp)
    for name in ("label.tif", "image.tif"):
        assert read_image(tmp_path / name).mpp == pytest.approx(mpp, rel=1e-6)
    write_label(tmp_path / "label.tif", label)
    write_image(tmp_path / "image.tif", image)
    for name in ("label.tif", "image.tif"):
        assert read_image(tmp_path / name).mpp is None


@pytest.mark.parametrize("size", [(5, 6), (1, 7), (7, 1), (3, 7), (3, 3), (1, 1)])
@pytest.mark.parametrize(("channels", "dtype"), [(1, np.uint8), (1, np.uint16), (3, np.uint8), (3, np.uint16)])
def test_images_keep_every_value(tmp_path: Path, size: tuple[int, int], channels: int, dtype: type) -> None:
    image = np.random.default_rng(0).integers(0, np.iinfo(dtype).max, (channels, *size), dtype, endpoint=True)
    write_image(tmp_path / "a.tif", image, mpp=0.5)
    read = read_image(tmp_path / "a.tif")
    assert read.array.dtype == dtype and np.array_equal(read.array, image)


def test_equal_images_are_equal_files(tmp_path: Path) -> None:
    image = np.random.default_rng(0).integers(0, 256, (3, 20, 20), np.uint8)
    for name in ("a.tif", "b.tif"):
        write_image(tmp_path / name, image, mpp=0.5)
    assert (tmp_path / "a.tif").read_bytes() == (tmp_path / "b.tif").read_bytes()


def test_png_round_trip(tmp_path: Path) -> None:
    image = np.random.default_rng(0).integers(0, 256, (5, 6, 3), dtype=np.uint8)
    write_png(tmp_path / "a.png", image)
    assert np.array_equal(np.asarray(Image.open(tmp_path / "a.png")), image)


def test_a_tiff_that_breaks_off_keeps_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.tif"
    write_image(path, np.zeros((3, 4, 5), np.uint8))
    before = path.read_bytes()

    def half(stream, *_, **__):
        stream.write(b"II*\0 half of the n")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(writers.tifffile, "imwrite", half)
    for write, content in ((write_image, np.ones((3, 4, 5), np.uint8)), (write_label, np.ones((1, 4, 5), np.int32))):
        with pytest.raises(OSError, match="No space"):
            write(path, content)
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]
