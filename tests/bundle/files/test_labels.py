# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Label files: ids of every integer type come back in raster order; what is no label is refused."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from bundle.files.labels import in_raster_order, read_label

IDS = np.array([[0, 9, 9, 0], [7, 0, 0, 0], [7, 0, 200, 200]])
ORDERED = [[[0, 1, 1, 0], [2, 0, 0, 0], [2, 0, 3, 3]]]  # centres of mass: y = 0, 1.5, 2


@pytest.mark.parametrize(
    ("file", "dtype", "largest"),
    [
        ("a.png", "uint8", 200),
        ("a.png", "uint16", 65_535),
        ("a.tif", "uint8", 200),
        ("a.tif", "uint16", 65_535),
        ("a.tif", "uint32", 4_000_000_000),
        ("a.tif", "int32", 100_000),
    ],
)
def test_ids_are_renumbered_in_raster_order(tmp_path, file, dtype, largest):
    ids = np.where(IDS == 200, largest, IDS).astype(dtype)
    if file.endswith("png"):
        Image.fromarray(ids).save(tmp_path / file)
    else:
        tifffile.imwrite(tmp_path / file, ids)
    label = read_label(tmp_path / file, (3, 4))
    assert label.dtype == torch.int32 and label.tolist() == ORDERED


def test_palette_indices_and_not_colours_are_ids(tmp_path):
    image = Image.new("P", (4, 3))
    image.putpalette([0, 0, 0] + [255, 0, 0] * 255)  # one colour for every id
    image.putdata(IDS.ravel().tolist())
    image.save(tmp_path / "a.png")
    assert read_label(tmp_path / "a.png").tolist() == ORDERED


def test_objects_on_one_row_go_from_left_to_right():
    assert in_raster_order(np.array([[5, 0, 3, 0, 4]])).tolist() == [[1, 0, 2, 0, 3]]


@given(arrays(np.int32, st.tuples(st.integers(1, 8), st.integers(1, 8)), elements=st.integers(0, 6)))
def test_order_equals_a_slow_version(label):
    renumbered = in_raster_order(label)
    assert ((renumbered > 0) == (label > 0)).all()
    centres = []
    for new in range(1, renumbered.max() + 1):
        rows, columns = np.nonzero(renumbered == new)
        assert len({int(value) for value in label[rows, columns]}) == 1
        assert (label == label[rows[0], columns[0]]).sum() == len(rows)
        centres.append((rows.mean(), columns.mean()))
    assert all(first <= second for first, second in zip(centres, centres[1:], strict=False))


def test_an_empty_label_stays_empty(tmp_path):
    Image.fromarray(np.zeros((3, 4), np.uint16)).save(tmp_path / "a.png")
    assert read_label(tmp_path / "a.png").tolist() == np.zeros((1, 3, 4), int).tolist()


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.ones((3, 4, 3), np.uint8), "has 3 channels"),
        (np.ones((3, 4), np.float32), "holds float32 values"),
        (np.full((3, 4), -1, np.int16), "holds int16 values"),
        (np.ones((4, 3), np.uint8), "the label is 3 x 4 px and its image 4 x 3 px"),
    ],
)
def test_what_is_no_label_is_refused_by_name(tmp_path, array, message):
    tifffile.imwrite(tmp_path / "a.tif", array)
    with pytest.raises(ValueError, match=rf"a\.tif: .*{message}"):
        read_label(tmp_path / "a.tif", (3, 4))


def test_a_jpeg_is_refused(tmp_path):
    Image.fromarray(IDS.astype(np.uint8)).save(tmp_path / "a.png", "JPEG")
    with pytest.raises(ValueError, match="a JPEG blurs ids"):
        read_label(tmp_path / "a.png")


def test_a_foreground_mask_is_warned_of(tmp_path, caplog):
    Image.fromarray((IDS > 0).astype(np.uint8) * 255).save(tmp_path / "a.png")
    assert read_label(tmp_path / "a.png").max() == 1
    assert "one id on 3 separate pieces" in caplog.text
