# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Aperio XML: what is read, how outlines become pixels, and files that are refused."""

from __future__ import annotations

import numpy as np
import pytest

from bundle.annotations.formats.aperio import draw_outlines, read_outlines

SQUARE = [(1, 1), (4, 1), (4, 3), (1, 3)]  # px from the image's corner: columns 1-3, rows 1-2


def region(vertices, negative: str = "0") -> str:
    inner = "".join(f'<Vertex X="{x}" Y="{y}" Z="0"/>' for x, y in vertices)
    return f'<Region Id="1" NegativeROA="{negative}"><Attributes/><Vertices>{inner}</Vertices></Region>'


def save(path, *layers: str, head: str = '<?xml version="1.0"?>'):
    body = "".join(
        f'<Annotation Id="1"><Regions><RegionAttributeHeaders/>{layer}</Regions></Annotation>' for layer in layers
    )
    path.write_text(f'{head}<Annotations MicronsPerPixel="0.25">{body}</Annotations>')
    return path


def corners(*vertices) -> np.ndarray:
    """Vertices from the image's corner, with pixel centres at integers."""
    return np.array(vertices, float) - 0.5


def test_regions_of_all_layers_in_px_with_centres_at_integers(tmp_path):
    path = save(tmp_path / "a.xml", region(SQUARE) + region([(0.5, 0.5), (9.25, 0.5), (3, 7)]), region([(5, 5)]))
    outlines = read_outlines(path)
    assert outlines[0].tolist() == [[0.5, 0.5], [3.5, 0.5], [3.5, 2.5], [0.5, 2.5]]
    assert outlines[1].tolist() == [[0, 0], [8.75, 0], [2.5, 6.5]]
    assert len(outlines) == 3


def test_negative_regions_are_left_out(tmp_path):
    assert len(read_outlines(save(tmp_path / "a.xml", region(SQUARE) + region(SQUARE, "1")))) == 1


def test_no_region_no_outline(tmp_path):
    assert read_outlines(save(tmp_path / "a.xml", "")) == []


BOMB = '<!DOCTYPE a [<!ENTITY b "bbbb"><!ENTITY c "&b;&b;&b;&b;">]>'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (BOMB + '<Annotations Name="&c;"/>', "document type definition"),
        ('<!DOCTYPE a SYSTEM "file:///etc/hostname"><Annotations/>', "document type definition"),
        ("<Annotations><Region>", "is no whole XML"),
        ("", "is no whole XML"),
        ('<ASAP_Annotations X="1"/>', "begins with <ASAP_Annotations>, not <Annotations>"),
        ('<Annotations>\n<Region Id="7"><Vertex X="1"/></Region></Annotations>', "region '7': .* has no X and Y"),
        ('<Annotations><Region><Vertex X="1" Y="nan"/></Region></Annotations>', "has no X and Y in px"),
        ('<Annotations><Region><Vertex X="one" Y="1"/></Region></Annotations>', "has no X and Y in px"),
    ],
)
def test_bad_xml_is_refused_by_name(tmp_path, text, message):
    (tmp_path / "a.xml").write_text(text)
    with pytest.raises(ValueError, match=rf"a\.xml: .*{message}"):
        read_outlines(tmp_path / "a.xml")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"gone\.xml"):
        read_outlines(tmp_path / "gone.xml")


def test_an_outline_around_whole_pixels_fills_exactly_these():
    label = draw_outlines([corners(*SQUARE)], (4, 6))
    assert label[0].tolist() == [[0, 0, 0, 0, 0, 0], [0, 1, 1, 1, 0, 0], [0, 1, 1, 1, 0, 0], [0, 0, 0, 0, 0, 0]]


def test_a_circle_is_filled_as_a_slow_version_says():
    angle = np.linspace(0, 2 * np.pi, 400, endpoint=False)
    circle = np.stack([10.3 + 6.7 * np.cos(angle), 9.8 + 6.7 * np.sin(angle)], 1)
    y, x = np.mgrid[:20, :22]
    np.testing.assert_array_equal(draw_outlines([circle], (20, 22))[0] > 0, np.hypot(x - 10.3, y - 9.8) < 6.7)


@pytest.mark.parametrize("order", [1, -1])
def test_the_smaller_of_two_overlapping_outlines_keeps_its_pixels(order):
    large, small = corners((0, 0), (6, 0), (6, 3), (0, 3)), corners((5, 0), (7, 0), (7, 2), (5, 2))
    label = draw_outlines([large, small][::order], (3, 8))[0]
    assert label.tolist() == [[1, 1, 1, 1, 1, 2, 2, 0], [1, 1, 1, 1, 1, 2, 2, 0], [1, 1, 1, 1, 1, 1, 0, 0]] or (
        label.tolist() == [[2, 2, 2, 2, 2, 1, 1, 0], [2, 2, 2, 2, 2, 1, 1, 0], [2, 2, 2, 2, 2, 2, 0, 0]]
    )


def test_outlines_are_cut_at_the_border_and_empty_ones_are_counted(caplog):
    beyond = corners((-3, -3), (2, -3), (2, 1), (-3, 1))
    outside = corners((50, 50), (60, 50), (60, 60))
    thin = np.array([(2.1, 2.1), (2.4, 2.1), (2.4, 2.4)])
    label = draw_outlines([outside, beyond, thin, np.zeros((0, 2))], (4, 4))[0]
    assert label.tolist() == [[1, 1, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]
    assert "3 of 4 outlines cover no pixel of their own" in caplog.text
