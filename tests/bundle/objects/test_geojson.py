# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""GeoJSON for QuPath: its fields by hand, valid polygons, a hundred thousand objects, and memory that stays small."""

from __future__ import annotations

import json
import re
import tracemalloc
import uuid

import numpy as np
import pytest
import shapely

from bundle.objects.geojson import write_geojson
from bundle.objects.polygons import PolygonPart, SlideObject, outline_objects

RING = np.array([[1, 2], [4, 2], [4, 3], [1, 3]], float)


def read(path):
    return json.loads(path.read_text(encoding="utf-8"))


def test_one_object_by_hand(tmp_path):
    item = SlideObject(7, (PolygonPart(RING + 0.25),), {"Area µm^2": 0.75}, "Tumor")
    assert write_geojson(tmp_path / "a.geojson", [item], "slide 1") == 1
    content = read(tmp_path / "a.geojson")
    [feature] = content.pop("features")
    assert content == {"type": "FeatureCollection"}
    assert uuid.UUID(feature.pop("id")).version == 5
    colour = feature["properties"]["classification"].pop("color")
    assert len(colour) == 3 and all(isinstance(value, int) and 0 <= value <= 255 for value in colour)
    corners = [[1.25, 2.25], [4.25, 2.25], [4.25, 3.25], [1.25, 3.25], [1.25, 2.25]]
    assert feature == {
        "type": "Feature",
        "geometry": {"type": "Polygon", "coordinates": [corners]},
        "properties": {
            "objectType": "detection",
            "name": "7",
            "classification": {"name": "Tumor"},
            "measurements": {"Area µm^2": 0.75},
        },
    }


def test_pieces_and_holes_are_valid_and_fill_the_label_again(tmp_path):
    label = np.zeros((1, 7, 12), np.int32)  # not square
    label[0, 1:6, 1:6], label[0, 3, 3] = 5, 0
    label[0, 0, 8:11], label[0, 1, 11] = 9, 9  # two pieces that touch at a corner
    objects = [SlideObject(identity, parts) for identity, parts in outline_objects(label).items()]
    write_geojson(tmp_path / "a.geojson", objects, "a", "annotation")
    features = read(tmp_path / "a.geojson")["features"]
    assert [feature["geometry"]["type"] for feature in features] == ["Polygon", "MultiPolygon"]
    assert {feature["properties"]["objectType"] for feature in features} == {"annotation"}
    assert all("measurements" not in feature["properties"] for feature in features)
    y, x = np.indices(label.shape[1:]) + 0.5
    for feature, identity in zip(features, (5, 9), strict=True):
        shape = shapely.from_geojson(json.dumps(feature["geometry"]))
        assert shape.is_valid
        assert np.array_equal(shapely.contains_xy(shape, x, y), label[0] == identity)


def test_ids_are_the_same_in_every_run_and_differ_between_images(tmp_path):
    objects = [SlideObject(1, (PolygonPart(RING),)), SlideObject(2, (PolygonPart(RING),))]
    ids = []
    for name, source in (("a", "x"), ("b", "x"), ("c", "y")):
        write_geojson(tmp_path / name, objects, source)
        ids.append([feature["id"] for feature in read(tmp_path / name)["features"]])
    assert ids[0] == ids[1] and len({*ids[0], *ids[2]}) == 4


def test_no_object_gives_an_empty_collection(tmp_path):
    assert write_geojson(tmp_path / "a.geojson", [], "a") == 0
    assert read(tmp_path / "a.geojson") == {"type": "FeatureCollection", "features": []}


def broken():
    yield SlideObject(1, (PolygonPart(RING),))
    raise OSError("the slide is gone")


@pytest.mark.parametrize(
    ("objects", "message"),
    [
        (broken(), "gone"),
        ([SlideObject(3, (PolygonPart(RING),), {"Confidence": float("nan")})], "object 3: Confidence is nan"),
    ],
)
def test_nothing_is_left_where_writing_fails(tmp_path, objects, message):
    with pytest.raises((OSError, ValueError), match=message):
        write_geojson(tmp_path / "a.geojson", objects, "a")
    assert not any(tmp_path.iterdir())


def circles(count):
    """Round objects of 12 corners, as they come: all that is kept of one is gone when the next is made."""
    angle = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    ring = 12 * np.stack((np.cos(angle), np.sin(angle)), axis=1)
    for number in range(count):
        yield SlideObject(
            number + 1, (PolygonPart(ring + (30 * (number % 400), 30 * (number // 400))),), {"Confidence": 0.5}
        )


def test_memory_does_not_grow_with_the_number_of_objects(tmp_path):
    tracemalloc.start()
    write_geojson(tmp_path / "a.geojson", circles(1000), "a")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (tmp_path / "a.geojson").stat().st_size > 2 * peak


@pytest.mark.slow
def test_a_hundred_thousand_objects_are_written_and_read(tmp_path):
    assert write_geojson(tmp_path / "a.geojson", circles(100_000), "a") == 100_000
    text = (tmp_path / "a.geojson").read_text(encoding="utf-8")
    assert len(set(re.findall('"id":"([-0-9a-f]{36})"', text))) == 100_000
    shapes = shapely.get_parts(shapely.from_geojson(text))
    assert len(shapes) == 100_000 and shapely.is_valid(shapes).all()
