# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""One scale for the 16-bit images of an output: counted once, kept, and refused where another one is stated."""

from __future__ import annotations

import json

import numpy as np
import pytest
import tifffile

from bundle.files.images import load_image
from bundle.files.view import View
from bundle.inference.common_window import FILE, common_window


@pytest.fixture
def images(tmp_path):
    """A field with nuclei and an empty one, of a camera; an 8-bit picture, plain and spread over 16 bits."""
    rng = np.random.default_rng(0)
    field, empty = (rng.integers(95, 110, (40, 50)).astype(np.uint16) for _ in range(2))
    field[10:20, 10:20] = 900
    eight = rng.integers(0, 90, (40, 50)).astype(np.uint8)
    for name, array in (("field", field), ("empty", empty), ("eight", eight), ("twin", eight.astype(np.uint16) * 257)):
        tifffile.imwrite(tmp_path / f"{name}.tif", array)
    return {path.stem: path for path in sorted(tmp_path.glob("*.tif"))}


def load(path, view, window):
    return load_image(path, 1, None, view, window).image


def test_an_empty_field_stays_dark_beside_one_with_nuclei_and_twins_stay_equal(images, tmp_path):
    output, view = tmp_path / "out", View()
    window = common_window(output, list(images.values()), 1, view)
    assert load(images["field"], view, window).max() == 1
    assert load(images["empty"], view, window).max() < 0.02
    assert load(images["empty"], view, None).max() - load(images["empty"], view, None).min() < 0.06
    assert (load(images["twin"], view, window) == load(images["eight"], view, window)).all()
    assert json.loads((output / FILE).read_text())["stated"] is False


def test_what_is_kept_holds_for_images_that_come_later(images, tmp_path):
    window = common_window(tmp_path / "out", [images["field"]], 1, View())
    assert common_window(tmp_path / "out", [images["empty"]], 1, View()) == window
    assert common_window(tmp_path / "out", [images["empty"]], 1, View(), overwrite=True) != window


def test_another_range_than_the_kept_one_is_refused(images, tmp_path):
    common_window(tmp_path / "out", [images["field"]], 1, View(intensity=(50, 900)))
    with pytest.raises(ValueError, match="were made with the intensities 50,900, and 0,4095 are stated"):
        common_window(tmp_path / "out", [images["field"]], 1, View(intensity=(0, 4095)))
    again = common_window(tmp_path / "out", [images["field"]], 1, View(intensity=(0, 4095)), overwrite=True)
    assert again == (0, 4095)


def test_8_bit_images_need_none_and_nothing_is_written(images, tmp_path):
    assert common_window(tmp_path / "out", [images["eight"], images["twin"]], 1, View()) is None
    assert not (tmp_path / "out").exists()


def test_little_contrast_is_warned_of_with_a_mend(images, tmp_path, caplog):
    common_window(tmp_path / "out", [images["empty"]], 1, View())
    assert "are not stretched" in caplog.text and "--intensity low,high" in caplog.text


def test_damage_is_named_and_files_that_cannot_be_read_are_left_to_others(images, tmp_path):
    (tmp_path / "bad.tif").write_bytes(b"II*\0")
    assert common_window(tmp_path / "out", [tmp_path / "bad.tif", images["field"]], 1, View()) is not None
    (tmp_path / "out" / FILE).write_text("{")
    with pytest.raises(ValueError, match=rf"{FILE}: is damaged"):
        common_window(tmp_path / "out", [images["field"]], 1, View())
