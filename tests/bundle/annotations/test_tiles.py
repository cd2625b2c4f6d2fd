# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Tiles: every point of a tile lies on the same tissue as before, and none is in two tiles."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
import tifffile
from PIL import Image

from bundle.annotations import tiles
from bundle.annotations.sources import ImagePixels, open_pixels
from bundle.annotations.tiles import cut_tiles
from bundle.slides import listing
from bundle.slides.reader import Slide


def box(left, top, right, bottom):
    """The area of whole pixels, from the first column and row to one past the last."""
    return shapely.box(left - 0.5, top - 0.5, right - 0.5, bottom - 0.5)


def test_points_move_with_their_tile_and_those_outside_stay_behind():
    points = np.array([[100, 50], [99.5, 49.5], [99.49, 60], [163.49, 81.49], [163.5, 60], [300, 300.25]])
    first, second = cut_tiles([box(100, 50, 164, 82), box(290, 290, 330, 330)], points, 32)
    assert (first.region, second.region) == (1, 2)
    np.testing.assert_allclose(first.points, [[0, 0], [-0.5, -0.5], [63.49, 31.49]])
    assert second.points.tolist() == [[10, 10.25]]


def test_a_point_next_to_an_edge_is_in_the_tile_that_its_file_puts_it_in(monkeypatch):
    monkeypatch.setattr(tiles, "LARGEST", 64)
    left, right = cut_tiles([box(0, 0, 128, 64)], np.array([[63.49999999, 5], [63.499, 6]]), 64)
    assert left.points.tolist() == [[63.499, 6]]
    np.testing.assert_allclose(right.points, [[-0.5, 5]])


def test_long_regions_are_cut_evenly(monkeypatch):
    monkeypatch.setattr(tiles, "LARGEST", 100)
    drawn = np.random.default_rng(0).uniform(-0.5, (249.5, 99.5), (500, 2))
    cut = list(cut_tiles([box(0, 0, 250, 100)], drawn, 50))
    assert [(each.box.left, each.box.right, each.box.height) for each in cut] == [
        (0, 83, 100),
        (83, 166, 100),
        (166, 250, 100),
    ]
    assert sum(len(each.points) for each in cut) == 500  # each in exactly one


def test_an_image_read_whole_and_as_a_slide_has_the_same_pixels(tmp_path, monkeypatch):
    smooth = np.add.outer(np.arange(120), np.arange(200))[..., None] * [0.5, 0.3, 0.7]
    array = smooth.astype(np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", array, photometric="rgb", resolution=(4e4, 4e4), resolutionunit="CENTIMETER")
    Image.fromarray(array).save(tmp_path / "a.png")
    with open_pixels(tmp_path / "a.tif") as whole, open_pixels(tmp_path / "a.png", mpp=0.25) as png:
        assert isinstance(whole, ImagePixels) and whole.mpp == 0.25 and whole.size == (120, 200)
        monkeypatch.setattr(listing, "MOST_WHOLE", 1000)
        with open_pixels(tmp_path / "a.tif") as slide:
            assert isinstance(slide, Slide)
            for mpp in (None, 0.5, 0.6):
                grid = slide.grid(mpp)
                assert grid == whole.grid(mpp)
                part = type(grid.box)(10, 20, 51, 47)
                expected = slide.read_box(grid, part).numpy()
                assert expected.shape == (3, 27, 41)
                np.testing.assert_allclose(whole.read_box(grid, part), expected, atol=2 / 255)
                np.testing.assert_array_equal(whole.read_box(grid, part), png.read_box(grid, part))
            small, image = whole.overview(50)
            assert small == slide.overview(50)[0] and image.shape == (3, 30, 50)


def test_an_image_without_spacing_asks_for_it(tmp_path):
    Image.fromarray(np.zeros((5, 5, 3), np.uint8)).save(tmp_path / "a.png")
    with open_pixels(tmp_path / "a.png") as pixels, pytest.raises(ValueError, match=r"a\.png: does not say .*--mpp"):
        pixels.grid(0.5)
