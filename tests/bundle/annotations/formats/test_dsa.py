# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Annotations of the Digital Slide Archive: points, areas, and which JSON is taken for one."""

from __future__ import annotations

import json
import math

import pytest

from bundle.annotations.formats.dsa import is_dsa, read_dsa
from bundle.annotations.formats.registry import read_clicks


def write(folder, content):
    path = folder / "a.json"
    path.write_text(json.dumps(content))
    return path


POINT = {"type": "point", "center": [10.5, 20.25, 0], "group": "Tumour", "lineColor": "rgb(0,0,0)"}
LABELLED = {"type": "point", "center": [0, 0, 0], "label": {"value": "mine"}}
BARE = {"name": "my clicks", "description": "", "elements": [POINT, LABELLED]}
KEPT = {"_id": "5f", "itemId": "60", "annotation": BARE}  # what the server sends


@pytest.mark.parametrize("content", [BARE, KEPT, [KEPT]], ids=["bare", "kept", "list"])
def test_points_are_measured_from_the_corner(tmp_path, content):
    (clicks,) = read_clicks(write(tmp_path, content))  # told from GeoJSON and COCO by its content
    assert clicks.points.tolist() == [[10, 19.75], [-0.5, -0.5]]
    assert clicks.names == ("Tumour", "mine") and not clicks.outlines


def test_all_annotations_of_an_image_are_taken_together(tmp_path):
    (clicks,) = read_dsa(write(tmp_path, [KEPT, BARE]))
    assert len(clicks.points) == 4


def area(tmp_path, **element):
    (clicks,) = read_dsa(write(tmp_path, {"elements": [element]}))
    (outline,) = clicks.outlines
    return outline


def test_areas(tmp_path):
    ring = [[1, 1, 0], [5, 1, 0], [5, 3, 0], [1, 3, 0]]
    hole = [[2, 1.5, 0], [3, 1.5, 0], [3, 2.5, 0], [2, 2.5, 0]]
    drawn = area(tmp_path, type="polyline", points=ring, closed=True, holes=[hole], group="Region*")
    assert drawn.name == "Region*" and drawn.area.bounds == (0.5, 0.5, 4.5, 2.5) and drawn.area.area == 7
    box = {"type": "rectangle", "center": [3, 2, 0], "width": 4, "height": 2}
    assert area(tmp_path, **box, rotation=0).area.bounds == (0.5, 0.5, 4.5, 2.5)
    assert area(tmp_path, **box, rotation=math.pi / 2).area.bounds == pytest.approx((1.5, -0.5, 3.5, 3.5))
    disc = area(tmp_path, type="circle", center=[3, 2, 0], radius=2)
    assert disc.area.bounds == pytest.approx((0.5, -0.5, 4.5, 3.5))
    oval = area(tmp_path, type="ellipse", center=[3, 2, 0], width=4, height=2)
    assert oval.area.bounds == pytest.approx((0.5, 0.5, 4.5, 2.5))


def test_open_lines_and_arrows_are_left_out_and_that_is_said(tmp_path, caplog):
    line = {"type": "polyline", "points": [[0, 0, 0], [1, 1, 0]], "closed": False}
    (clicks,) = read_dsa(write(tmp_path, {"elements": [line, {"type": "arrow"}, POINT, "text"]}))
    assert len(clicks.points) == 1 and not clicks.outlines
    assert "{'polyline': 1, 'arrow': 1, 'no object': 1}" in caplog.text


@pytest.mark.parametrize(
    "content",
    [
        {"type": "FeatureCollection", "features": []},
        {"images": [], "annotations": []},
        [],
        [{"annotation": {"elements": []}}, {"type": "Feature"}],
        {"elements": {}},
        3,
    ],
)
def test_other_json_is_not_taken_for_one(tmp_path, content):
    assert not is_dsa(content)
    with pytest.raises(ValueError, match=r"a\.json: is no annotation of the Digital Slide Archive"):
        read_dsa(write(tmp_path, content))


@pytest.mark.parametrize(
    ("element", "message"),
    [
        ({"type": "point"}, "a position is None"),
        ({"type": "point", "center": ["1", 2]}, r"point 1 is \['1', 2\]"),
        ({"type": "point", "center": [1e400, 2]}, "point 1 is"),
        ({"type": "polyline", "closed": True, "points": 4}, "the points of a polyline are 4"),
        ({"type": "polyline", "closed": True, "points": [[0, 0], [1, 1]]}, "fewer than three vertices"),
        ({"type": "rectangle", "center": [1, 1], "width": 3}, "width and height of a rectangle are"),
        ({"type": "circle", "center": [1, 1], "radius": "2"}, "radius of a circle are"),
    ],
)
def test_elements_without_numbers_are_refused(tmp_path, element, message):
    with pytest.raises(ValueError, match=rf"a\.json: .*{message}"):
        read_dsa(write(tmp_path, {"elements": [element]}))
