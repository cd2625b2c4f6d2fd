# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Outlines: by hand, filled again by shapely and scikit-image, valid for any label, and where they lie."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy import ndimage
from skimage.draw import polygon2mask

from bundle.objects.polygons import SlideObject, outline_objects, shoelace


def label_of(*rows):
    """(1, H, W) from lines of digits."""
    return np.array([[[int(character) for character in row] for row in rows]], np.int32)


def geometry(parts):
    """Of shapely; no repair of any kind."""
    polygons = [shapely.Polygon(part.exterior, part.holes) for part in parts]
    return polygons[0] if len(polygons) == 1 else shapely.MultiPolygon(polygons)


def filled(objects, shape):
    """The label that has an id wherever the centre of a pixel lies in that object, by shapely."""
    y, x = np.indices(shape) + 0.5
    label = np.zeros(shape, np.int32)
    for identity, parts in objects.items():
        label[shapely.contains_xy(geometry(parts), x, y)] = identity
    return label


def check(label):
    """All that holds for the outlines of any label."""
    objects = outline_objects(label)
    assert np.array_equal(filled(objects, label.shape[1:]), label[0])
    for identity, parts in objects.items():
        shape = geometry(parts)
        assert shape.is_valid, shapely.is_valid_reason(shape)
        assert shape.area == (label == identity).sum() == sum(part.area for part in parts)
        for part in parts:
            assert shoelace(part.exterior) > 0 and all(shoelace(hole) < 0 for hole in part.holes)
            for ring in (part.exterior, *part.holes):
                check_ring(ring)
    return objects


def check_ring(ring):
    assert len(ring) >= 4 and len(np.unique(ring, axis=0)) == len(ring)  # no point twice
    steps = np.roll(ring, -1, axis=0) - ring
    across = steps[:, 0] != 0
    assert ((steps != 0).sum(axis=1) == 1).all()  # along pixels
    assert (across != np.roll(across, 1)).all()  # a turn at every point


def test_one_object_by_hand():
    [part] = outline_objects(label_of("0000", "0770", "0700"))[7]
    assert part.exterior.tolist() == [[1, 1], [3, 1], [3, 2], [2, 2], [2, 3], [1, 3]]
    assert part.holes == () and part.area == 3


def test_a_hole_runs_the_other_way_round():
    [part] = check(label_of("111", "101", "111"))[1]
    assert part.exterior.tolist() == [[0, 0], [3, 0], [3, 3], [0, 3]]
    assert [hole.tolist() for hole in part.holes] == [[[1, 2], [2, 2], [2, 1], [1, 1]]]


def test_pieces_that_touch_at_a_corner_are_two_polygons():
    first, second = check(label_of("10", "01"))[1]
    assert first.exterior.tolist() == [[0, 0], [1, 0], [1, 1], [0, 1]]
    assert second.exterior.tolist() == [[1, 1], [2, 1], [2, 2], [1, 2]]


def test_a_piece_that_touches_itself_at_a_corner_is_one_polygon_with_a_hole():
    [part] = check(label_of("111", "101", "110"))[1]
    assert part.exterior.tolist() == [[0, 0], [3, 0], [3, 2], [2, 2], [2, 3], [0, 3]]
    assert len(part.holes) == 1 and [2, 2] in part.holes[0].tolist()


def test_holes_go_to_the_piece_around_them():
    label = label_of("1110111", "1010101", "1110111", "0000000", "1111111", "1000001", "1011101", "1010101", "1011101")
    label = np.concatenate((label, label_of("1000001", "1111111")), axis=1)
    parts = check(label)[1]
    assert [len(part.holes) for part in parts] == [1, 1, 1, 1]
    assert [part.area for part in parts] == [8, 8, 24, 8]  # the last one is an island in the hole of the third


def test_neighbours_share_their_border():
    objects = check(label_of("1122", "1122"))
    assert shapely.intersection(geometry(objects[1]), geometry(objects[2])).length == 2


def test_a_gap_in_the_ids_and_the_order_of_the_ids():
    assert list(outline_objects(label_of("905", "000", "500"))) == [5, 9]


@pytest.mark.parametrize("shape", [(1, 4, 3), (1, 1, 1), (1, 0, 5)])
def test_nothing_found_gives_nothing(shape):
    assert outline_objects(torch.zeros(shape, dtype=torch.int32)) == {}


def test_an_object_that_fills_everything():
    [part] = outline_objects(torch.full((1, 2, 3), 4))[4]
    assert part.exterior.tolist() == [[0, 0], [3, 0], [3, 2], [0, 2]]


@settings(max_examples=100)
@given(arrays(np.int32, array_shapes(min_dims=2, max_dims=2, max_side=9), elements=st.integers(0, 3)))
def test_filling_any_label_gives_it_back_and_every_polygon_is_valid(label):
    check(label[None])


@settings(max_examples=30)
@given(arrays(np.int32, (12, 17), elements=st.integers(0, 1)))
def test_one_object_of_many_pieces_holes_and_islands(label):
    check(label[None])


@pytest.mark.parametrize("seed", range(3))
def test_blobs_with_holes_filled_by_scikit_image(seed):
    """Ragged blobs of 60 x 90 px; a pixel belongs where an odd number of its object's rings is around its centre."""
    rng = np.random.default_rng(seed)
    height = ndimage.gaussian_filter(rng.random((60, 90)), 2)
    label, count = ndimage.label(height > np.median(height), np.ones((3, 3)))  # pieces hang together by corners
    objects = check(label[None].astype(np.int32))
    again = np.zeros(label.shape, int)
    for identity, parts in objects.items():
        rings = [ring for part in parts for ring in (part.exterior, *part.holes)]
        odd = np.bitwise_xor.reduce([polygon2mask(label.shape, ring[:, ::-1] - 0.5) for ring in rings])
        again[odd] = identity
    assert np.array_equal(again, label) and len(objects) == count > 1
    assert any(part.holes for parts in objects.values() for part in parts)


def test_blocks_of_a_slide_are_moved_and_scaled():
    """A block whose corner is at x 1000, y 200 of the slide, with pixels twice as large."""
    [part] = outline_objects(label_of("010", "000"), offset=(1000, 200), scale=2)[1]
    assert part.exterior.tolist() == [[1002, 200], [1004, 200], [1004, 202], [1002, 202]]
    assert part.area == 4
    [part] = outline_objects(label_of("010", "000"), scale=(2, 0.5))[1]
    assert part.exterior.tolist() == [[2, 0], [4, 0], [4, 0.5], [2, 0.5]]


def test_ids_beyond_16_bit():
    assert list(outline_objects(np.full((1, 2, 2), 3_000_000_000, np.int64))) == [3_000_000_000]


@pytest.mark.parametrize(
    ("label", "scale", "message"),
    [
        (np.zeros((4, 4), np.int32), 1, r"\(4, 4\)"),
        (np.zeros((2, 4, 4), np.int32), 1, "shape"),
        (np.zeros((1, 4, 4), np.float32), 1, "float32"),
        (np.zeros((1, 4, 4), np.int32), 0, "scale is 0"),
        (np.zeros((1, 4, 4), np.int32), float("nan"), "scale is nan"),
    ],
)
def test_what_is_no_label_is_refused(label, scale, message):
    with pytest.raises(ValueError, match=message):
        outline_objects(label, scale=scale)


def test_an_object_says_what_it_is():
    parts = outline_objects(label_of("1"))[1]
    assert SlideObject(1, parts).classification == "Nucleus" and SlideObject(1, parts).measurements == {}
