# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Annotations of ASAP and of MONAI Label's clients: dots, areas, classes, and XML that is refused."""

from __future__ import annotations

import pytest

from bundle.annotations.formats.asap import read_asap
from bundle.annotations.formats.registry import read_clicks


def annotation(kind, *points, group="None", name="Annotation 0"):
    coordinates = "".join(f'<Coordinate Order="{i}" X="{x}" Y="{y}" />' for i, (x, y) in enumerate(points))
    return (
        f'<Annotation Name="{name}" Type="{kind}" PartOfGroup="{group}" Color="#F4FA58">'
        f"<Coordinates>{coordinates}</Coordinates></Annotation>"
    )


def write(folder, *annotations, head='<?xml version="1.0"?>'):
    path = folder / "a.xml"
    groups = '<AnnotationGroups><Group Name="Tumour" PartOfGroup="None" Color="#00ff00"><Attributes /></Group>'
    path.write_text(
        f"{head}<ASAP_Annotations><Annotations>{''.join(annotations)}</Annotations>{groups}"
        "</AnnotationGroups></ASAP_Annotations>"
    )
    return path


def test_dots_and_point_sets_are_clicks_measured_from_the_corner(tmp_path):
    path = write(tmp_path, annotation("Dot", (10.5, 20.25), group="Tumour"), annotation("PointSet", (0, 0), (3.5, 4.5)))
    (clicks,) = read_asap(path)
    assert clicks.points.tolist() == [[10, 19.75], [-0.5, -0.5], [3, 4]]
    assert clicks.names == ("Tumour", None, None)
    assert not clicks.outlines and clicks.image is None


def test_polygons_are_outlines_and_lines_are_left_out(tmp_path, caplog):
    square = [(1, 1), (5, 1), (5, 3), (1, 3)]
    path = write(
        tmp_path,
        annotation("Polygon", *square, group="Region*"),
        annotation("Rectangle", *square),
        annotation("Measurement", (0, 0), (9, 9)),
    )
    (clicks,) = read_clicks(path)  # told from Fiji's XML by its first element
    assert [outline.name for outline in clicks.outlines] == ["Region*", None]
    assert clicks.outlines[0].area.bounds == (0.5, 0.5, 4.5, 2.5)
    assert not len(clicks.points) and "{'Measurement': 1}" in caplog.text


def test_a_file_without_annotations_has_no_clicks(tmp_path):
    (clicks,) = read_asap(write(tmp_path))
    assert clicks.points.shape == (0, 2) and clicks.names == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('<!DOCTYPE a [<!ENTITY b "bbbb">]><ASAP_Annotations>&b;</ASAP_Annotations>', "document type definition"),
        ('<!DOCTYPE a SYSTEM "file:///etc/hostname"><ASAP_Annotations/>', "document type definition"),
        ("<ASAP_Annotations>", "is no whole XML"),
        ("<Annotations/>", "begins with <Annotations>"),
        ('<?xml version="1.0" encoding="klingon"?><ASAP_Annotations/>', "klingon|unknown encoding"),
    ],
)
def test_bad_xml_is_refused_by_name(tmp_path, text, message):
    path = tmp_path / "a.xml"
    path.write_text(text)
    with pytest.raises(ValueError, match=rf"a\.xml: .*({message})"):
        read_asap(path)


@pytest.mark.parametrize("place", [("", 1), ("nan", 1), (1, "inf"), ("1,5", 2)])
def test_a_coordinate_without_numbers_is_refused_with_its_annotation(tmp_path, place):
    path = write(tmp_path, annotation("Dot", (1, 1), name="good"), annotation("Dot", place, name="bad one"))
    with pytest.raises(ValueError, match=r"a\.xml: of annotation 'bad one', coordinate 1"):
        read_asap(path)


def test_a_polygon_of_two_corners_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"a\.xml: an outline has fewer than three vertices"):
        read_asap(write(tmp_path, annotation("Polygon", (1, 1), (2, 2))))
