# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""ASAP's XML: its elements by hand, holes that can be filled in order, names that XML would not take."""

from __future__ import annotations

from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image, ImageDraw

from bundle.objects.asap import write_asap
from bundle.objects.polygons import PolygonPart, SlideObject, outline_objects

RING = np.array([[1, 2], [4, 2], [4, 3.5]], float)


def test_one_object_by_hand(tmp_path):
    assert write_asap(tmp_path / "a.xml", [SlideObject(7, (PolygonPart(RING),), classification="Tumor")]) == 1
    root = ElementTree.parse(tmp_path / "a.xml").getroot()
    assert root.tag == "ASAP_Annotations" and [child.tag for child in root] == ["Annotations", "AnnotationGroups"]
    [annotation], [group] = root
    colour = annotation.attrib.pop("Color")
    assert colour.startswith("#") and len(colour) == 7
    assert annotation.attrib == {"Name": "Tumor 7", "Type": "Polygon", "PartOfGroup": "Tumor"}
    assert group.tag == "Group" and group.attrib == {"Name": "Tumor", "PartOfGroup": "None", "Color": colour}
    [coordinates] = annotation
    assert [point.attrib for point in coordinates] == [
        {"Order": "0", "X": "1", "Y": "2"},
        {"Order": "1", "X": "4", "Y": "2"},
        {"Order": "2", "X": "4", "Y": "3.5"},
    ]


def test_filling_annotations_in_their_order_gives_the_objects_back(tmp_path):
    """Rings in rings in rings, not square; Pillow fills, which takes the pixels on a polygon's border for inside."""
    label = np.zeros((1, 90, 120), np.int32)
    for border, identity in ((0, 1), (10, 0), (20, 1), (30, 0)):
        label[0, border : 90 - border, border : 120 - border] = identity
    write_asap(tmp_path / "a.xml", [SlideObject(1, outline_objects(label)[1])])
    canvas = Image.new("L", (120, 90))
    groups = []
    for annotation in ElementTree.parse(tmp_path / "a.xml").getroot()[0]:
        points = [(float(point.get("X")), float(point.get("Y"))) for point in annotation[0]]
        groups.append(annotation.get("PartOfGroup"))
        ImageDraw.Draw(canvas).polygon(points, fill=0 if groups[-1].endswith("hole") else 1)
    assert groups == ["Nucleus", "Nucleus hole"] * 2
    differ = np.asarray(canvas) != label[0]
    near = [border + side for border in (0, 10, 20, 30) for side in (-1, 0, 1)]
    y, x = np.indices(differ.shape)
    depth = np.minimum(np.minimum(y, 89 - y), np.minimum(x, 119 - x))
    assert not differ[~np.isin(depth, near)].any()


def test_names_that_xml_would_not_take(tmp_path):
    write_asap(tmp_path / "a.xml", [SlideObject(1, (PolygonPart(RING),), classification='<"&é')])
    [[annotation], [group]] = ElementTree.parse(tmp_path / "a.xml").getroot()
    assert group.get("Name") == annotation.get("PartOfGroup") == '<"&é'


def test_every_group_is_named_once(tmp_path):
    items = [SlideObject(number, (PolygonPart(RING),), classification="ab"[number % 2]) for number in range(5)]
    assert write_asap(tmp_path / "a.xml", iter(items)) == 5
    root = ElementTree.parse(tmp_path / "a.xml").getroot()
    assert len(root[0]) == 5 and [group.get("Name") for group in root[1]] == ["a", "b"]


def broken():
    yield SlideObject(1, (PolygonPart(RING),))
    raise OSError("the slide is gone")


def test_nothing_is_left_where_writing_fails(tmp_path):
    with pytest.raises(OSError, match="gone"):
        write_asap(tmp_path / "a.xml", broken())
    assert not any(tmp_path.iterdir())
