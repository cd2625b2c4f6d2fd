# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Objects between finding and writing: exact numbers, masks that survive, ids in raster order, polygons that fill."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.measure import regionprops

from bundle.slide_segmentation.collect import Collection
from bundle.slide_segmentation.label_image import TILE, label_tiles
from bundle.slide_segmentation.objects import (
    joined_objects,
    objects_with_ids,
    outline_grid,
    read_facts,
    read_objects,
    to_bytes,
)
from bundle.slide_segmentation.outlines import polygons
from bundle.slide_segmentation.store import SlideFolder
from bundle.slide_segmentation.tiles import first_inside, owned_ids, regions_past_halo
from bundle.slides.grid import Box, Grid
from transforms.instances.hover_to_label import raster_ids

NAMES = ("box", "area", "sums", "confidence", "pixels", "start")


def blobs(seed, size=(40, 50), count=12):
    """Ids (H, W) with gaps, of rectangles over each other."""
    generator = np.random.default_rng(seed)
    label = np.zeros(size, np.int32)
    for index in generator.choice(np.arange(1, 3 * count), count, replace=False):
        y, x = generator.integers(0, size[0]), generator.integers(0, size[1])
        label[y : y + generator.integers(1, 12), x : x + generator.integers(1, 12)] = index
    return label, generator.random(size, np.float32)


def equal(one, other):
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in NAMES)


@settings(max_examples=30)
@given(st.integers(0, 2**32))
def test_measures_and_masks_are_those_of_an_oracle(seed):
    label, probability = blobs(seed)
    ids = np.unique(label)[1:]
    wanted = np.append(ids[::2], 999)  # an id that has no pixel is left out
    objects = objects_with_ids(label, probability, wanted, 1000, 70)
    found = {region.label: region for region in regionprops(label, probability)}
    assert len(objects) == len(ids[::2])
    for index, identity in enumerate(ids[::2]):
        region = found[identity]
        top, left, bottom, right = region.bbox
        assert objects.box[index].tolist() == [left + 1000, top + 70, right + 1000, bottom + 70]
        assert objects.area[index] == region.area
        assert objects.centres[index] == pytest.approx((region.centroid[1] + 1000, region.centroid[0] + 70))
        assert objects.confidence[index] == pytest.approx(region.intensity_mean, rel=1e-5)
        assert np.array_equal(objects.mask(index), region.image)


@settings(max_examples=20)
@given(st.integers(0, 2**32))
def test_files_joins_and_choices_keep_everything(seed):
    one, other = (objects_with_ids(*each, np.unique(each[0])[1:], 5, 6) for each in (blobs(seed), blobs(seed + 1)))
    content = to_bytes(one, too_wide=3, reading=0.5)
    assert equal(read_objects(io.BytesIO(content)), one)
    assert read_facts(io.BytesIO(content)) == {"too_wide": 3.0, "reading": 0.5}
    both = joined_objects([one, joined_objects([]), other])
    rows = np.arange(len(both))
    assert equal(both.taken(rows[: len(one)]), one) and equal(both.taken(rows[len(one) :]), other)
    assert equal(both.taken(rows[::-1]).taken(rows[::-1]), both)


@pytest.mark.parametrize("content", [b"", b"PK\3\4 no zip", to_bytes(joined_objects([]))[:-40]])
def test_damaged_files_are_told(content):
    with pytest.raises(ValueError, match="no whole block of objects"):
        read_objects(io.BytesIO(content))


def test_an_object_belongs_to_the_tile_that_holds_the_pixel_of_its_centre():
    label = np.zeros((20, 30), np.int32)
    label[5, 8:12] = 1  # centre at 9.5: rounded up, to 10
    label[8, 8:11] = 2  # 9
    label[2:18, 20] = 3
    shown = Box(100, 200, 130, 220)
    assert owned_ids(label, shown, Box(100, 200, 110, 220)).tolist() == [2]
    assert owned_ids(label, shown, Box(110, 200, 130, 210)).tolist() == [1]
    assert owned_ids(label, shown, Box(110, 210, 130, 220)).tolist() == [3]  # centre at 209.5


@given(st.integers(0, 2**32), st.integers(1, 39), st.integers(1, 49))
def test_tiles_share_out_all_objects(seed, row, column):
    label, _ = blobs(seed)
    shown = Box(0, 0, 50, 40)
    tiles = [Box(0, 0, column, row), Box(column, 0, 50, row), Box(0, row, column, 40), Box(column, row, 50, 40)]
    owned = np.concatenate([owned_ids(label, shown, tile) for tile in tiles])
    assert sorted(owned.tolist()) == np.unique(label)[1:].tolist()


def test_regions_past_a_halo_reach_from_the_tile_to_its_end():
    label = np.zeros((20, 30), np.int32)
    label[0:6, 3] = 1  # from the upper end into the tile
    label[10, 25:30] = 2  # at the right end, but not in the tile
    label[12, 10:30] = 3  # from the tile to the right end
    label[19, 0:8] = 4  # along the lower end, which is the slide's
    shown, tile, whole = Box(0, 10, 30, 30), Box(0, 15, 20, 30), Box(0, 0, 100, 30)
    assert regions_past_halo(label, shown, tile, whole).tolist() == [1, 3]
    assert regions_past_halo(label, Box(0, 0, 30, 20), Box(0, 5, 20, 20), Box(0, 0, 30, 20)).tolist() == []


@given(st.integers(1, 60), st.integers(1, 120), st.integers(0, 60))
def test_the_first_finer_px_inside_is_the_first(length, finer, edge):
    edge = min(edge, length)
    places = (np.arange(finer + 1) + 0.5) * length / finer
    expected = int(np.flatnonzero(np.floor(places + 1e-9) >= edge)[0])
    assert first_inside(edge, length, finer) == expected


def test_outlines_are_up_to_twice_as_fine_as_the_model_and_no_finer_than_the_slide():
    assert outline_grid(Grid((800, 1000), (400, 500))).size == (800, 1000)
    assert outline_grid(Grid((800, 4000), (400, 500))).size == (800, 1000)
    assert outline_grid(Grid((480, 600), (400, 500))).size == (480, 600)
    assert outline_grid(Grid((240, 300), (400, 500))).size == (400, 500)


def stored(folder, label, probability, step=17):
    """The folder of a slide whose blocks are strips of a label."""
    kept = SlideFolder(folder)
    places = []
    for number, top in enumerate(range(0, label.shape[0], step)):
        owned = owned_ids(label, Box(0, 0, label.shape[1], label.shape[0]), Box(0, top, label.shape[1], top + step))
        kept.write((number, 0), to_bytes(objects_with_ids(label, probability, owned, 0, 0)))
        places.append((number, 0))
    return kept, places


@settings(max_examples=20)
@given(seed=st.integers(0, 2**32), band=st.integers(1, 20), backwards=st.booleans())
def test_ids_are_in_raster_order_of_centres(seed, band, backwards, tmp_path_factory):
    label, probability = blobs(seed)
    kept, places = stored(tmp_path_factory.mktemp("slide"), label, probability)
    collection = Collection(kept, places[::-1] if backwards else places)
    bands = list(collection.bands(band))
    assert [i for ids, _ in bands for i in ids] == list(range(1, len(np.unique(label))))
    everything = joined_objects([objects for _, objects in bands])
    column, row = np.floor(everything.centres + 0.5).T
    assert sorted(zip(row, column, strict=True)) == list(zip(row, column, strict=True))
    image = np.zeros_like(label)
    for index in range(len(everything)):
        left, top, right, bottom = everything.box[index]
        image[top:bottom, left:right][everything.mask(index)] = index + 1
    expected = raster_ids(label)
    pairs = set(zip(image[label > 0].tolist(), expected[label > 0].tolist(), strict=True))
    assert len(pairs) == len(everything)  # one to one; the same but where centres share a pixel
    if len(set(zip(row, column, strict=True))) == len(row):
        assert np.array_equal(image, expected)
    grid = Grid(label.shape, label.shape)
    (tile,) = label_tiles(collection, grid, grid)
    assert np.array_equal(tile[:40, :50], image) and not tile[40:].any()


def test_a_label_image_takes_the_id_at_the_centre_of_each_pixel(tmp_path):
    label, probability = blobs(3, (2 * TILE + 100, 1500), 200)
    kept, places = stored(tmp_path, label, probability, 300)
    fine, coarse = Grid((1124, 1500), (1124, 1500)), Grid((1124, 1500), (562, 750))
    collection = Collection(kept, places)
    tiles = list(label_tiles(collection, fine, coarse))
    rows = [np.concatenate(tiles[i : i + 2], 1) for i in range(0, len(tiles), 2)]
    image = np.concatenate(rows)[:562, :750]
    assert np.array_equal(image > 0, label[1::2, 1::2] > 0)
    assert np.array_equal(image, raster_ids(label)[1::2, 1::2])


def test_polygons_of_masks_lie_where_the_objects_do():
    label, probability = blobs(5)
    label[20:30, 20:30] = 77
    label[23:26, 23:26] = 0  # a hole
    objects = objects_with_ids(label, probability, np.unique(label)[1:], 400, 300)
    for index, parts in polygons(objects, (2.0, 2.0)):
        area = sum(part.area for part in parts)
        assert area == 4 * objects.area[index]
        points = np.concatenate([part.exterior for part in parts])
        assert [*points.min(0), *points.max(0)] == (2.0 * objects.box[index]).tolist()
    assert len(list(polygons(objects, (1.0, 1.0)))) == len(objects)
