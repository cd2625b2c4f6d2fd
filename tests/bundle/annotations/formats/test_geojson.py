# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""GeoJSON of QuPath: classes, cells, outlines, what is left out, and files that are none."""

from __future__ import annotations

import json

import numpy as np
import pytest

from bundle.annotations.formats.geojson import read_geojson

SQUARE = [[2, 2], [8, 2], [8, 6], [2, 6], [2, 2]]


def feature(kind, coordinates, classification=None, **more):
    properties = {"objectType": "annotation"} | ({"classification": classification} if classification else {})
    return {"type": "Feature", "geometry": {"type": kind, "coordinates": coordinates}, "properties": properties, **more}


def read(tmp_path, content):
    path = tmp_path / "a.geojson"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    (clicks,) = read_geojson(path)
    return clicks


def test_points_and_multipoints_with_their_classes_as_old_and_new_versions_write_them(tmp_path):
    features = [
        feature("Point", [1.5, 2.25], {"name": "Tumor", "colorRGB": -3670016}),
        feature("MultiPoint", [[3, 4], [5, 6, 0]], {"names": ["Immune", "Positive"], "color": [1, 2, 3]}),
        feature("Point", [7, 8]),
    ]
    clicks = read(tmp_path, {"type": "FeatureCollection", "features": features})
    assert clicks.points.tolist() == [[1, 1.75], [2.5, 3.5], [4.5, 5.5], [6.5, 7.5]]
    assert clicks.names == ("Tumor", "Immune: Positive", "Immune: Positive", None)


@pytest.mark.parametrize(
    "wrap", [lambda each: [each], lambda each: each, lambda each: each["geometry"], lambda each: {"features": [each]}]
)
def test_lists_single_features_and_bare_geometries_are_read(tmp_path, wrap):
    assert read(tmp_path, wrap(feature("Point", [1, 2]))).points.tolist() == [[0.5, 1.5]]


def test_areas_become_outlines_with_centres_at_integers(tmp_path):
    hole = [[4, 3], [6, 3], [6, 5], [4, 5], [4, 3]]
    far = [[20, 20], [30, 20], [30, 30], [20, 20]]
    clicks = read(
        tmp_path, [feature("Polygon", [SQUARE, hole], {"name": "Region*"}), feature("MultiPolygon", [[SQUARE], [far]])]
    )
    ring, several = clicks.outlines
    assert ring.name == "Region*" and ring.area.bounds == (1.5, 1.5, 7.5, 5.5) and ring.area.area == 24 - 4
    assert several.name is None and several.area.area == 24 + 50
    assert clicks.points.shape == (0, 2)


def test_of_a_cell_the_nucleus_is_taken(tmp_path):
    nucleus = {"type": "Polygon", "coordinates": [[[3, 3], [5, 3], [5, 5], [3, 5], [3, 3]]]}
    (outline,) = read(tmp_path, [feature("Polygon", [SQUARE], nucleusGeometry=nucleus)]).outlines
    assert outline.area.bounds == (2.5, 2.5, 4.5, 4.5)


def test_an_outline_that_crosses_itself_is_mended(tmp_path):
    (outline,) = read(tmp_path, [feature("Polygon", [[[0, 0], [4, 4], [4, 0], [0, 4], [0, 0]]])]).outlines
    assert outline.area.is_valid and outline.area.area == pytest.approx(8)


def test_what_is_neither_point_nor_area_and_several_planes_are_said(tmp_path, caplog):
    first, second = feature("Point", [1, 1]), feature("Point", [2, 2])
    first["geometry"]["plane"], second["geometry"]["plane"] = {"c": -1, "z": 0, "t": 0}, {"c": -1, "z": 3, "t": 0}
    line = feature("LineString", [[0, 0], [1, 1]])
    assert len(read(tmp_path, [first, second, line, {"type": "Feature", "geometry": None}]).points) == 2
    assert "a.geojson: features that are neither points nor areas are left out: 1 LineString, 1 None" in caplog.text
    assert "a.geojson: its points lie in 2 planes of a stack" in caplog.text


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is no whole JSON"),
        ('{"type": "FeatureCollection", "features": [', "is no whole JSON"),
        ("[" * 100_000, "is no whole JSON"),
        ("3", "is no GeoJSON of features"),
        ("{}", "is no GeoJSON of features"),
        ('{"features": [1]}', "is no GeoJSON of features"),
        ([feature("Point", ["a", 2])], r"point 1 is \['a', 2\], no x and y"),
        ([feature("Point", [1])], r"point 1 is \[1\]"),
        ([feature("Point", None)], "coordinates are"),
        ([feature("MultiPoint", 4)], "coordinates are 4"),
        ('[{"geometry": {"type": "Point", "coordinates": [NaN, 1]}}]', "point 1 is"),
        ('[{"geometry": {"type": "Point", "coordinates": [1, 1' + "0" * 400 + "]}}]", "point 1 is"),
        ([feature("Polygon", [[[1, 1], [2, 2]]])], "fewer than three vertices"),
        ([feature("Polygon", [])], "fewer than three vertices"),
        ([feature("Polygon", [1])], "coordinates are 1"),
        ([feature("MultiPolygon", [1])], "coordinates are"),
    ],
)
def test_bad_files_are_refused_by_name(tmp_path, content, message):
    with pytest.raises(ValueError, match=rf"a\.geojson: .*{message}"):
        read(tmp_path, content)


def test_places_are_kept_to_the_last_digit_on_a_large_slide(tmp_path):
    clicks = read(tmp_path, [feature("Point", [180_000.375, 90_000.125])])
    np.testing.assert_array_equal(clicks.points, [[179_999.875, 89_999.625]])
