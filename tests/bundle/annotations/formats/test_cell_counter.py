# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Markers of Fiji's Cell Counter: classes, the image's name, and XML that is refused."""

from __future__ import annotations

import pytest

from bundle.annotations.formats.cell_counter import read_cell_counter

HEAD = '<?xml version="1.0" encoding="UTF-8"?>'


def marker(x, y, z=1):
    return f"<Marker><MarkerX>{x}</MarkerX><MarkerY>{y}</MarkerY><MarkerZ>{z}</MarkerZ></Marker>"


def kind(number, name, *markers):
    return f"<Marker_Type><Type>{number}</Type><Name>{name}</Name>{''.join(markers)}</Marker_Type>"


def read(tmp_path, *kinds, image="a.tif", head=HEAD):
    path = tmp_path / "CellCounter_a.xml"
    properties = f"<Image_Properties><Image_Filename>{image}</Image_Filename></Image_Properties>"
    data = f"<Marker_Data><Current_Type>0</Current_Type>{''.join(kinds)}</Marker_Data>"
    path.write_text(f"{head}\r\n<CellCounter_Marker_File>{properties}{data}</CellCounter_Marker_File>")
    (clicks,) = read_cell_counter(path)
    return clicks


def test_markers_with_their_types_and_the_name_of_the_image(tmp_path, caplog):
    clicks = read(tmp_path, kind(1, "Tumour", marker(5, 6), marker(0, 9)), kind(2, "", marker(7, 8)), kind(3, "Type 3"))
    assert clicks.points.tolist() == [[5, 6], [0, 9], [7, 8]]
    assert clicks.names == ("Tumour", "Tumour", "2")
    assert clicks.image == "a" and not clicks.outlines and not caplog.text


def test_slices_are_said_and_a_path_of_windows_is_a_name(tmp_path, caplog):
    assert read(tmp_path, kind(1, "", marker(1, 1, 1), marker(1, 1, 2)), image=r"C:\my images\b.1.tif").image == "b.1"
    assert "its points lie in 2 planes" in caplog.text


BOMB = '<!DOCTYPE a [<!ENTITY b "bbbb"><!ENTITY c "&b;&b;&b;&b;">]>'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (BOMB + "<CellCounter_Marker_File>&c;</CellCounter_Marker_File>", "document type definition"),
        ('<!DOCTYPE a SYSTEM "file:///etc/hostname"><CellCounter_Marker_File/>', "document type definition"),
        ("<CellCounter_Marker_File>", "is no whole XML"),
        ("", "is no whole XML"),
        ("<Annotations/>", "begins with <Annotations>, not <CellCounter_Marker_File>"),
        (kind(1, "", marker("", 2)), "a marker's MarkerX is '', no number"),
        (kind(1, "", marker(1, "x")), "a marker's MarkerY is 'x', no number"),
        (kind(1, "", marker(1, "inf")), "point 1 is"),
    ],
)
def test_bad_xml_is_refused_by_name(tmp_path, text, message):
    path = tmp_path / "a.xml"
    if text.startswith("<Marker_Type>"):
        text = f"<CellCounter_Marker_File><Marker_Data>{text}</Marker_Data></CellCounter_Marker_File>"
    path.write_text(text)
    with pytest.raises(ValueError, match=rf"a\.xml: .*{message}"):
        read_cell_counter(path)
