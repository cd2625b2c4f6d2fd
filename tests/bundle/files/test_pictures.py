# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Pictures for people: exact pixels, outlines, points and colours where they belong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from bundle.files import pictures


def test_grey_and_16_bit_images_become_rgb(tmp_path: Path) -> None:
    Image.fromarray(np.array([[0, 128], [255, 64]], np.uint8)).save(tmp_path / "grey.png")
    assert pictures.load_rgb(tmp_path / "grey.png")[..., 1].tolist() == [[0, 128], [255, 64]]
    Image.fromarray(np.array([[0, 1000], [2000, 4000]], np.uint16)).save(tmp_path / "deep.png")
    deep = pictures.load_rgb(tmp_path / "deep.png")
    assert deep.dtype == np.uint8 and deep.shape == (2, 2, 3) and deep.min() == 0 and deep.max() == 255


def test_outlines_touch_the_border_of_objects_alone() -> None:
    label = np.zeros((8, 8), int)
    label[2:6, 2:6] = 1
    drawn = (pictures.outlined(np.zeros((8, 8, 3), np.uint8), label, (9, 9, 9)) == 9).all(-1)
    assert drawn[2, 3] and drawn[1, 3]  # two pixels wide: one inside, one outside
    assert not drawn[3, 3] and not drawn[0, 0]


def test_coloured_label_gives_each_object_one_colour() -> None:
    label = np.array([[0, 1], [2, 3]])
    colours = pictures.coloured(label).reshape(-1, 3)
    assert tuple(colours[0]) == pictures.BACKGROUND
    assert len({tuple(colour) for colour in colours}) == 4


def test_points_are_drawn_where_they_are() -> None:
    drawn = pictures.dotted(np.full((20, 30, 3), 100, np.uint8), np.array([[20.0, 5.0]]), radius=2)
    assert (drawn[5, 20] == 255).all() and (drawn[15, 5] == 100).all()
