# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Regions of an image become tiles that can be trained on; what is left out is said, and what is missing refused."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
import shapely
import tifffile
from PIL import Image

from bundle.annotations.choice import Choice
from bundle.annotations.clicks import Outline
from bundle.annotations.matching import find_images, read_matched
from bundle.annotations.placement import Placement
from bundle.annotations.tile_set import TileSettings, count_too_small, write_tiles
from bundle.data.folder import DataFolder
from bundle.data.intensity import load_item
from bundle.files.view import View

SIZE = (240, 320)  # H, W, px of 0.25 um
SETTINGS = TileSettings(0.5, 20, "Region*")
CLICKED = [(x, y) for y in range(11, 240, 24) for x in range(17, 320, 24)]  # columns and rows of blue dots


def box(left, top, right, bottom, name="Region*"):
    ring = [[left, top], [right, top], [right, bottom], [left, bottom], [left, top]]
    return outline(ring, name)


def outline(ring, name="Region*"):
    return {
        "type": "Feature",
        "geometry": {"type": "Polygon", "coordinates": [ring]},
        "properties": {"classification": {"name": name}},
    }


def points(places=CLICKED):
    coordinates = [[x + 0.5, y + 0.5] for x, y in places]
    return {"type": "Feature", "geometry": {"type": "MultiPoint", "coordinates": coordinates}}


@pytest.fixture
def cut(tmp_path):
    """Cuts tiles from an image with a 4 x 4 px dot around every click."""
    pixels = np.full((*SIZE, 3), 200, np.uint8)
    for x, y in CLICKED:
        pixels[y - 1 : y + 3, x - 1 : x + 3] = (20, 20, 250)
    tags = {"resolution": (4e4, 4e4), "resolutionunit": "CENTIMETER"}
    tifffile.imwrite(tmp_path / "slide.tif", pixels, photometric="rgb", **tags)
    (tmp_path / "out").mkdir()

    def run(features, regions=None, settings=SETTINGS, **more):
        image = tmp_path / "slide.tif"
        (tmp_path / "slide.geojson").write_text(json.dumps(features))
        found = find_images(image, (".tif",))
        matched = read_matched(tmp_path / "slide.geojson", found, image)
        areas = None
        if regions is not None:
            (tmp_path / "areas.geojson").write_text(json.dumps(regions))
            areas = read_matched(tmp_path / "areas.geojson", found, image)
        choice, placement = more.get("choice", Choice()), more.get("placement", Placement())
        count = write_tiles(tmp_path / "out", found, matched, areas, choice, placement, settings)
        return count, tmp_path / "out"

    return run


def test_every_point_of_a_tile_lies_on_its_dot_at_the_new_spacing(cut):
    count, out = cut([points(), box(30, 20, 150, 140), outline([[200, 60], [310, 60], [200, 230], [200, 60]])])
    folder = DataFolder(out)
    folder.check_points()
    assert count == len(folder.training) >= 2
    for item in folder.training:
        sample = folder.load(item)
        assert sample["mpp"] == pytest.approx(0.5) and min(sample["image"].shape[1:]) >= 20
        blue = sample["image"][0] < 0.5
        dots = blue.clone()
        for x, y in sample["points"].tolist():
            assert blue[round(y), round(x)]
            dots[max(round(y) - 2, 0) : round(y) + 3, max(round(x) - 2, 0) : round(x) + 3] = False
        assert not dots[2:-2, 2:-2].any()  # none without a point; dots at the border may belong to points beyond
        assert (out / "check" / f"{item.name}.png").is_file()
    first = next(item for item in folder.training if item.name == "slide_x30_y20")
    assert folder.load(first)["image"].shape == (3, 60, 60)
    assert len(folder.load(first)["points"]) == sum(30 <= x < 150 and 20 <= y < 140 for x, y in CLICKED)


def test_the_table_says_where_tiles_lie_and_the_overview_shows_them(cut):
    _, out = cut([points(), box(30, 20, 150, 140)])
    (row,) = csv.DictReader((out / "tiles.csv").read_text().splitlines())
    assert row == {
        "tile": "slide_x30_y20",
        "image": "slide",
        "region": "1",
        "x": "30",
        "y": "20",
        "width": "120",
        "height": "120",
        "points": "25",
    }
    picture = np.asarray(Image.open(out / "check" / "slide.png"))
    assert picture.shape == (*SIZE, 3)
    assert picture[80, 30].tolist() == [255, 225, 0] and picture[CLICKED[0][1], CLICKED[0][0]].tolist() == [255] * 3


def test_what_is_left_out_is_counted_and_named(cut, caplog):
    caplog.set_level("INFO")
    cut(
        [
            points([(40, 30), (10, 10), (300, 200)]),
            box(30, 20, 150, 140),
            box(200, 20, 230, 50),
            box(160, 150, 260, 230),
        ]
    )
    assert "slide.geojson: 2 of 3 points lie in no region and are left out" in caplog.text
    assert "slide.geojson: 1 of 3 regions hold no rectangle large enough" in caplog.text
    assert "slide.geojson: 1 tiles hold no point and are left out" in caplog.text
    assert "slide: 1 tiles, 96 % of the regions' area, 1 of 1 points inside" in caplog.text


def test_regions_may_come_from_another_file_and_move_with_the_clicks(cut):
    half = [(x - 0.5) / 2 for x in (41, 31)]  # px of a copy of half the size
    region = box(15, 10, 75, 70, name="anything")
    _, out = cut([points([half])], [region], placement=Placement(scale=2))
    (sample,) = [DataFolder(out).load(item) for item in DataFolder(out).training]
    assert sample["image"].shape == (3, 60, 60)
    np.testing.assert_allclose(sample["points"], [[(41 - 30 + 0.5) / 2 - 0.5, (31 - 20 + 0.5) / 2 - 0.5]])


def test_a_coarse_image_is_not_enlarged_and_a_stated_spacing_counts(cut):
    _, out = cut([points(), box(0, 0, 320, 240)], settings=TileSettings(0.5, 20, "Region*", mpp=1.0))
    (sample,) = [DataFolder(out).load(item) for item in DataFolder(out).training]
    assert sample["image"].shape == (3, *SIZE) and sample["mpp"] == pytest.approx(1.0)
    assert sample["points"].tolist() == [list(map(float, place)) for place in CLICKED]


@pytest.mark.parametrize(
    ("features", "regions", "message"),
    [
        ([points()], None, r"slide\.geojson: holds no region: draw an outline .* give it the class Region\*"),
        ([points()], [], r"areas\.geojson: holds no region"),
        ([points(), box(30, 20, 60, 50)], None, "no tile: no region holds a rectangle of 20 x 20 px at 0.5 um per px"),
        ([points(), box(400, 20, 600, 50)], None, r"slide\.geojson: no region lies in the image of 320 x 240 px"),
        ([points([(330, 5)]), box(0, 0, 99, 99)], None, r"slide\.geojson: 1 of 1 points lie beyond the image"),
        ([box(0, 0, 99, 99), box(9, 9, 15, 15, "cell")], None, "1 marks are outlines, not points .*--centroids"),
    ],
)
def test_what_would_train_wrongly_is_refused(cut, features, regions, message):
    with pytest.raises(ValueError, match=message):
        cut(features, regions)


@pytest.mark.parametrize(
    ("values", "message"),
    [((0.5, 0), "smallest is 0"), ((0.5, 2.5), "smallest is 2.5"), ((0, 9), "mpp is 0"), ((None, 9), "tile_mpp is")],
)
def test_settings_must_make_sense(values, message):
    with pytest.raises(ValueError, match=message):
        TileSettings(*values, "Region*")


def test_tiles_of_16_bit_images_with_a_stated_range_keep_it_and_train_by_it(tmp_path):
    """A slide of intensities, read part by part, and a small image of them, read whole."""
    pixels = np.random.default_rng(0).integers(0, 5000, (240, 320)).astype(np.uint16)
    write_tiff = {"resolution": (2e4, 2e4), "resolutionunit": "CENTIMETER", "photometric": "minisblack"}
    tifffile.imwrite(tmp_path / "a.tif", pixels, **write_tiff)
    (tmp_path / "a.geojson").write_text(json.dumps([points([(50, 60)]), box(0, 0, 320, 240)]))
    found = find_images(tmp_path / "a.tif", (".tif",))
    matched = read_matched(tmp_path / "a.geojson", found, tmp_path / "a.tif")

    def tile(**more):
        settings = TileSettings(0.5, 20, "Region*", channels=1, **more)
        draft = tmp_path / f"out{len([*tmp_path.iterdir()])}"
        draft.mkdir()
        write_tiles(draft, found, matched, None, Choice(), Placement(), settings)
        (made,) = (draft / "images").iterdir()
        return made

    kept = tile(view=View(intensity=(100, 4095)))
    np.testing.assert_array_equal(tifffile.imread(kept), pixels.clip(100, 4095))
    sample = DataFolder(kept.parents[1], channels=1, intensity=(100, 4095)).training[0]
    loaded = load_item({"image": sample.image_path, "intensity": (100, 4095)}, 1, None)
    np.testing.assert_allclose(loaded.image[0].numpy(), (pixels.clip(100, 4095) - 100.0) / 3995, atol=1e-6)
    assert tifffile.imread(tile()).dtype == np.uint8


def test_a_channel_of_several_is_cut(tmp_path):
    stack = np.stack([np.full((60, 60), value, np.uint8) for value in (10, 90, 200)])
    tifffile.imwrite(
        tmp_path / "a.ome.tif", stack, metadata={"axes": "CYX", "PhysicalSizeX": 0.5, "PhysicalSizeY": 0.5}
    )
    (tmp_path / "a.geojson").write_text(json.dumps([points([(50, 50)]), box(0, 0, 60, 60)]))
    found = {"a": tmp_path / "a.ome.tif"}
    matched = read_matched(tmp_path / "a.geojson", found, tmp_path / "a.ome.tif")
    (tmp_path / "out").mkdir()
    settings = TileSettings(0.5, 20, "Region*", channels=1, view=View(channel=1))
    write_tiles(tmp_path / "out", found, matched, None, Choice(), Placement(), settings)
    (made,) = (tmp_path / "out" / "images").iterdir()
    assert (tifffile.imread(made) == 90).all()


def test_regions_that_are_too_small_are_counted():
    def region(*corners):
        return Outline(shapely.box(*corners), "Region*")

    settings = TileSettings(0.5, 20, "Region*")  # at 0.25 um per px 40 x 40 px of the image
    large, small, beside = region(0, 0, 50, 50), region(100, 100, 130, 130), region(130, 100, 160, 160)
    assert count_too_small((large,), SIZE, 0.25, settings) == 0
    assert count_too_small((large, small), SIZE, 0.25, settings) == 1
    assert count_too_small((large, small), SIZE, None, settings) == 0  # taken for the spacing of training
    assert count_too_small((region(100, 100, 145, 130), beside), SIZE, 0.25, settings) == 1
    assert count_too_small((region(100, 100, 130, 145), region(130, 100, 160, 145)), SIZE, 0.25, settings) == 0  # one
