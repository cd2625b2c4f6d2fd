# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Formats by name: each writes a file of the image's objects, and says what it lacks before anything is segmented."""

from __future__ import annotations

import json
import sys

import numpy as np
import pyarrow.parquet
import pytest
import shapely
import torch

from bundle.objects.polygons import PolygonPart, outline_objects
from bundle.objects.registry import FORMATS, Result, choose_formats
from bundle.objects.simplify import check_tolerance, simplify
from bundle.objects.table import COLUMNS, measure_objects


@pytest.fixture
def result():
    """Two objects in an image of 8 x 20 px; 0.5 um per px."""
    label = torch.zeros(1, 8, 20, dtype=torch.int32)
    label[0, 1:4, 2:6], label[0, 5:7, 15:18] = 3, 8
    table = measure_objects(label, torch.full((1, 8, 20), 0.75), 0.5)
    return Result("tissue", torch.rand(3, 8, 20), label, table, 0.5)


def test_names_are_taken_once_and_in_order():
    chosen = choose_formats(" nrrd,GeoJSON,,nrrd")
    assert chosen == (FORMATS["nrrd"], FORMATS["geojson"]) and choose_formats("") == ()


def test_an_unknown_name_is_refused():
    with pytest.raises(ValueError, match="formats holds 'shp': choose among geojson, asap"):
        choose_formats("geojson,shp")


@pytest.mark.parametrize("name", [name for name in FORMATS if FORMATS[name].package])
def test_a_missing_package_is_named(monkeypatch, name):
    monkeypatch.setitem(sys.modules, FORMATS[name].package, None)  # as if it were not installed
    with pytest.raises(ValueError, match=f"the format {name} needs .* pip install {FORMATS[name].package}"):
        choose_formats(name)


def test_every_format_writes_one_file_under_its_own_name(tmp_path, result):
    paths = [form.path(tmp_path, result.name) for form in FORMATS.values()]
    assert len(set(paths)) == len(FORMATS)
    for form, path in zip(FORMATS.values(), paths, strict=True):
        path.parent.mkdir(exist_ok=True)
        form.write(path, result)
        assert path.exists() and list(path.parent.iterdir()) == [path]


def test_objects_carry_the_numbers_of_their_table(tmp_path, result):
    FORMATS["geojson"].write(tmp_path / "a", result)
    properties = [feature["properties"] for feature in json.loads((tmp_path / "a").read_text())["features"]]
    assert [each["name"] for each in properties] == ["3", "8"]
    assert [each["measurements"] for each in properties] == [
        {"Area px^2": 12, "Area µm^2": 3, "Confidence": 0.75},
        {"Area px^2": 6, "Area µm^2": 1.5, "Confidence": 0.75},
    ]


def test_an_unknown_spacing_leaves_um2_out(tmp_path, result):
    unknown = Result("a", result.image, result.label, measure_objects(result.label, torch.rand(1, 8, 20)), None)
    FORMATS["geojson"].write(tmp_path / "a.geojson", unknown)
    FORMATS["parquet"].write(tmp_path / "a.parquet", unknown)
    measured = json.loads((tmp_path / "a.geojson").read_text())["features"][0]["properties"]["measurements"]
    assert set(measured) == {"Area px^2", "Confidence"}
    table = pyarrow.parquet.read_table(tmp_path / "a.parquet")
    assert table["area_um2"].to_pylist() == [None, None] and not table.schema.metadata


def test_parquet_has_the_columns_of_the_csv(tmp_path, result):
    FORMATS["parquet"].write(tmp_path / "a.parquet", result)
    table = pyarrow.parquet.read_table(tmp_path / "a.parquet")
    assert tuple(table.column_names) == COLUMNS
    assert table.to_pylist()[1] == {"id": 8, "x": 16, "y": 5.5, "area_px": 6, "area_um2": 1.5, "confidence": 0.75}
    assert table.schema.metadata[b"mpp"] == b"0.5"


def test_simplified_outlines_have_fewer_corners_and_nearly_the_same_area():
    y, x = np.indices((60, 80))
    label = (np.hypot(y - 30, x - 40) < 25).astype(np.int32)
    label[28:32, 38:42] = 0
    [exact], [simple] = (parts := outline_objects(label[None])[1]), simplify(parts, 1.0)
    assert len(simple.exterior) < len(exact.exterior) / 2 and len(simple.holes) == 1
    assert abs(simple.area / exact.area - 1) < 0.03
    assert shapely.Polygon(simple.exterior, simple.holes).is_valid
    assert shapely.Polygon(simple.exterior).hausdorff_distance(shapely.Polygon(exact.exterior)) <= 1.0


def test_what_simplifying_would_break_stays_as_it_is():
    """At a tolerance beyond its size an object would be gone."""
    small = (PolygonPart(np.array([[0, 0], [2, 0], [2, 2], [0, 2]], float)),)
    assert shapely.Polygon(simplify(small, 50)[0].exterior).area > 0


@pytest.mark.parametrize("tolerance", [-1, float("nan"), "much"])
def test_a_tolerance_that_is_none_is_refused(tolerance):
    with pytest.raises(ValueError, match=f"simplify is {tolerance!r}"):
        check_tolerance(tolerance)


def test_simplifying_says_what_it_needs(monkeypatch):
    monkeypatch.setitem(sys.modules, "shapely", None)
    check_tolerance(0)
    with pytest.raises(ValueError, match="pip install shapely"):
        check_tolerance(0.5)
