# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Dots and labels as pictures: one point for each dot or object, inside it, and pictures that are neither."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from bundle.annotations.formats.dot_image import read_raster

SIZE = (20, 30)  # H, W


def save(path, array):
    if path.suffix == ".tif":
        tifffile.imwrite(path, array)
    else:
        Image.fromarray(array).save(path)
    return path


def read(path):
    (clicks,) = read_raster(path)
    assert clicks.size == SIZE and clicks.names == (None,) * len(clicks.points)
    return clicks.points.tolist()


def test_a_dot_of_several_pixels_is_one_point_also_when_they_touch_at_corners(tmp_path):
    picture = np.zeros(SIZE, np.uint8)
    picture[3:6, 10:13] = 255
    picture[10, 4] = picture[11, 5] = 255
    assert read(save(tmp_path / "a.png", picture)) == [[11, 4], [4.5, 10.5]]
    assert read(save(tmp_path / "a.tif", picture > 0)) == [[11, 4], [4.5, 10.5]]
    assert read(save(tmp_path / "b.png", 255 - picture)) == [[11, 4], [4.5, 10.5]]  # black on white


def test_an_object_of_a_label_is_one_point_inside_it(tmp_path):
    picture = np.zeros(SIZE, np.uint16)
    picture[2:5, 2:5], picture[2:5, 5:8] = 1000, 7  # they touch
    picture[10, 10:21] = picture[10:19, 10] = picture[10:19, 20] = 9  # open at the bottom: its middle lies outside
    points = read(save(tmp_path / "a.png", picture))
    assert points[:2] == [[3, 3], [6, 3]]
    (x, y) = points[2]
    assert picture[round(y), round(x)] == 9


@given(st.sets(st.tuples(st.integers(0, 9), st.integers(0, 14)), max_size=20))
def test_single_pixels_come_back(tmp_path_factory, places):
    picture = np.zeros(SIZE, np.uint8)
    for row, column in places:
        picture[2 * row, 2 * column] = 1
    points = read(save(tmp_path_factory.mktemp("dots") / "a.png", picture))
    assert sorted(map(tuple, points)) == sorted((2 * column, 2 * row) for row, column in places)


def test_a_palette_is_ids(tmp_path):
    picture = Image.fromarray(np.zeros(SIZE, np.uint8))
    picture.putpixel((4, 5), 1)
    picture.putpixel((14, 15), 2)
    picture = picture.convert("P")
    picture.putpalette([0, 0, 0, 255, 0, 0, 255, 0, 0])
    picture.save(tmp_path / "a.png")
    assert read(tmp_path / "a.png") == [[4, 5], [14, 15]]


@pytest.mark.parametrize("value", [0, 255])
def test_an_even_picture_has_no_dot(tmp_path, value):
    assert read(save(tmp_path / "a.png", np.full(SIZE, value, np.uint8))) == []


def test_an_id_in_two_pieces_is_said(tmp_path, caplog):
    picture = np.zeros(SIZE, np.uint8)
    picture[1, 1], picture[1, 3], picture[9, 9] = 1, 1, 2
    assert len(read(save(tmp_path / "a.png", picture))) == 2
    assert "a.png: 2 ids are in 3 pieces" in caplog.text


def smooth_dots():
    picture = np.zeros(SIZE, np.uint8)
    for x in range(2, 28, 5):
        picture[4:7, x - 1 : x + 2], picture[5, x] = 100, 255
    return picture


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((*SIZE, 3), np.uint8), "has 3 channels of uint8"),
        (smooth_dots(), "2 values in 12 pieces are neither dots .* nor objects"),
    ],
)
def test_pictures_that_are_neither_are_refused_by_name(tmp_path, array, message):
    with pytest.raises(ValueError, match=rf"a\.png: .*{message}"):
        read_raster(save(tmp_path / "a.png", array))


def test_jpeg_and_float_are_refused_by_name(tmp_path):
    Image.fromarray(np.zeros(SIZE, np.uint8)).save(tmp_path / "a.jpg")
    (tmp_path / "a.jpg").rename(tmp_path / "a.png")
    with pytest.raises(ValueError, match=r"a\.png: a JPEG blurs"):
        read_raster(tmp_path / "a.png")
    with pytest.raises(ValueError, match=r"b\.tif: has 1 channels of float32"):
        read_raster(save(tmp_path / "b.tif", np.zeros(SIZE, np.float32)))


def test_a_label_without_0_is_refused(tmp_path):
    label = np.ones((20, 20), np.uint8)
    label[2:5, 2:5], label[9:12, 9:12] = 2, 3
    Image.fromarray(label).save(tmp_path / "a.png")
    with pytest.raises(ValueError, match=r"a\.png: holds 3 values and no 0"):
        read_raster(tmp_path / "a.png")
