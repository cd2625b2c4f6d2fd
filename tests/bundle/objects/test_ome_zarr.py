# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""OME-Zarr: the metadata that version 0.5 of the specification asks for, pixels, scales, and folders that are whole."""

from __future__ import annotations

import json

import numpy as np
import pytest
import zarr

from bundle.objects import ome_zarr
from bundle.objects.ome_zarr import write_ome_zarr

AXES = [
    {"name": "c", "type": "channel"},
    {"name": "y", "type": "space", "unit": "micrometer"},
    {"name": "x", "type": "space", "unit": "micrometer"},
]


@pytest.fixture(scope="module")
def pixels():
    """An image of whole 8-bit steps and a label, 260 x 30 px."""
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (3, 260, 30)).astype(np.float32) / 255
    return image, rng.integers(0, 5, (1, 260, 30)).astype(np.int32)


def attributes(folder):
    """Of a group, as it stands in the file."""
    content = json.loads((folder / "zarr.json").read_text())
    assert content["zarr_format"] == 3 and content["node_type"] == "group"
    return content["attributes"]["ome"]


def levels(mpp):
    """Of an image that is halved once: sizes of pixels, and where the first one's centre lies."""
    steps = [("0", 1, 0.0), ("1", 2, 0.5)]
    return [
        {
            "path": path,
            "coordinateTransformations": [
                {"type": "scale", "scale": [1, step * mpp, step * mpp]},
                {"type": "translation", "translation": [0, shift * mpp, shift * mpp]},
            ],
        }
        for path, step, shift in steps
    ]


def test_the_metadata_is_what_the_specification_asks_for(tmp_path, pixels):
    folder = tmp_path / "a.ome.zarr"
    write_ome_zarr(folder, *pixels, 0.25)
    image, labels, nuclei = (attributes(folder / part) for part in ("", "labels", "labels/nuclei"))
    assert {part["version"] for part in (image, labels, nuclei)} == {"0.5"}
    assert image["multiscales"] == [{"name": "a.ome.zarr", "axes": AXES, "datasets": levels(0.25)}]
    assert [channel["color"] for channel in image["omero"]["channels"]] == ["FF0000", "00FF00", "0000FF"]
    assert labels["labels"] == ["nuclei"]
    assert nuclei["multiscales"] == [{"name": "nuclei", "axes": AXES, "datasets": levels(0.25)}]
    assert nuclei["image-label"] == {"version": "0.5", "source": {"image": "../../"}}


def test_pixels_come_back_and_levels_belong_together(tmp_path, pixels):
    image, label = pixels
    write_ome_zarr(tmp_path / "a.ome.zarr", image, label)
    group = zarr.open_group(tmp_path / "a.ome.zarr", mode="r")
    assert np.array_equal(group["0"][:], np.rint(image * 255)) and group["0"].dtype == np.uint8
    assert np.array_equal(group["labels/nuclei/0"][:], label) and group["labels/nuclei/0"].dtype == np.uint16
    assert group["1"].shape == (3, 130, 15) and group["labels/nuclei/1"].shape == (1, 130, 15)
    assert np.abs(group["1"][:] - 255 * image.reshape(3, 130, 2, 15, 2).mean(axis=(2, 4))).max() <= 0.51
    assert np.array_equal(group["labels/nuclei/1"][:], label[:, ::2, ::2])
    assert group["0"].metadata.dimension_names == ("c", "y", "x")
    axes = group.attrs["ome"]["multiscales"][0]["axes"]
    assert not any("unit" in axis for axis in axes)  # the spacing is unknown
    assert group.attrs["ome"]["multiscales"][0]["datasets"] == levels(1)


def test_a_grey_image_and_ids_beyond_16_bit(tmp_path):
    write_ome_zarr(tmp_path / "a.ome.zarr", np.ones((1, 3, 5)), np.full((1, 3, 5), 70_000), 0.5)
    group = zarr.open_group(tmp_path / "a.ome.zarr", mode="r")
    assert group["0"].shape == (1, 3, 5) and (group["labels/nuclei/0"][:] == 70_000).all() and "1" not in group


def test_an_odd_image_is_halved_without_a_dark_border(tmp_path):
    write_ome_zarr(tmp_path / "a.ome.zarr", np.ones((1, 259, 5)), np.ones((1, 259, 5), np.int32))
    group = zarr.open_group(tmp_path / "a.ome.zarr", mode="r")
    assert group["1"].shape == (1, 130, 3) and (group["1"][:] == 255).all()


def test_a_folder_is_replaced_when_the_new_one_is_whole(tmp_path, pixels, monkeypatch):
    folder = tmp_path / "a.ome.zarr"
    write_ome_zarr(folder, *pixels, 0.25)
    before = sorted(folder.rglob("*"))

    def fail(*_):
        raise OSError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(ome_zarr, "_thinning", fail)
        with pytest.raises(OSError, match="disk full"):
            write_ome_zarr(folder, np.zeros((1, 4, 4)), np.zeros((1, 4, 4), np.int32))
    assert sorted(folder.rglob("*")) == before and list(tmp_path.iterdir()) == [folder]
    write_ome_zarr(folder, np.zeros((1, 4, 4)), np.zeros((1, 4, 4), np.int32))
    assert zarr.open_group(folder, mode="r")["0"].shape == (1, 4, 4) and list(tmp_path.iterdir()) == [folder]


def test_an_image_of_another_size_is_refused(tmp_path):
    with pytest.raises(ValueError, match="one size"):
        write_ome_zarr(tmp_path / "a.ome.zarr", np.zeros((3, 4, 5)), np.zeros((1, 5, 4), np.int32))
    assert not any(tmp_path.iterdir())
