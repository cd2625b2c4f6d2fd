# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""ImageJ selections: bytes made by hand from the format's own table, sets, counters, areas and damaged files."""

from __future__ import annotations

import struct
from zipfile import ZIP_DEFLATED, ZipFile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from roifile import ROI_TYPE, ImagejRoi

from bundle.annotations.formats import imagej
from bundle.annotations.formats.imagej import read_imagej

POINT, SUB_PIXEL = 10, 128


def bytes_of(points, kind=POINT, decimals=False) -> bytes:
    """A selection as the table in the documentation of ij.io.RoiDecoder lays it out, big-endian."""
    x, y = zip(*points, strict=True)
    left, top = int(min(x)), int(min(y))
    head = b"Iout" + struct.pack(">hBx", 228, kind)
    head += struct.pack(">hhhhH", top, left, int(max(y)) + 1, int(max(x)) + 1, len(points))
    head += bytes(16) + bytes(2 + 4 + 4 + 4) + struct.pack(">hh", 0, SUB_PIXEL if decimals else 0)
    head = head.ljust(64, b"\0")
    body = b"".join(struct.pack(">h", int(value) - left) for value in x)
    body += b"".join(struct.pack(">h", int(value) - top) for value in y)
    if decimals:
        body += struct.pack(f">{len(x)}f", *x) + struct.pack(f">{len(y)}f", *y)
    return head + body


def roi(points, kind=ROI_TYPE.POINT, **values) -> ImagejRoi:
    made = ImagejRoi.frompoints(np.array(points))
    made.roitype = kind
    for name, value in values.items():
        setattr(made, name, value)
    return made


def read(tmp_path, content):
    path = tmp_path / "a.roi"
    path.write_bytes(content if isinstance(content, bytes) else content.tobytes())
    (clicks,) = read_imagej(path)
    return clicks


def test_whole_and_decimal_points_are_taken_as_they_are(tmp_path):
    assert read(tmp_path, bytes_of([(30, 4), (7, 90)])).points.tolist() == [[30, 4], [7, 90]]
    clicks = read(tmp_path, bytes_of([(30.25, 4.5), (7.75, 90)], decimals=True))
    assert clicks.points.tolist() == [[30.25, 4.5], [7.75, 90]]
    assert clicks.names == (None, None)


@given(st.lists(st.tuples(*[st.integers(0, 4000 * 8)] * 2), min_size=1, max_size=20))
def test_written_points_come_back(tmp_path_factory, eighths):
    points = np.array(eighths) / 8
    clicks = read(tmp_path_factory.mktemp("roi"), roi(points.astype(np.float32)))
    np.testing.assert_array_equal(clicks.points, points)


def test_counters_or_groups_are_classes(tmp_path):
    counted = roi([[1, 2], [3, 4], [5, 6]], counters=np.array([0, 2, 0], np.uint8))
    assert read(tmp_path, counted).names == ("0", "2", "0")
    assert read(tmp_path, roi([[1, 2]], counters=np.array([0], np.uint8))).names == (None,)
    assert read(tmp_path, roi([[1, 2], [3, 4]], group=7)).names == ("7", "7")


def test_a_set_with_points_and_areas(tmp_path, caplog):
    rectangle = roi([[2, 3], [8, 6]], ROI_TYPE.RECT, integer_coordinates=None, left=2, top=3, right=8, bottom=6)
    polygon = roi([[10, 10], [14, 10], [14, 14], [10, 14]], ROI_TYPE.POLYGON, group=3)
    line = roi([[0, 0], [5, 5]], ROI_TYPE.POLYLINE)
    with ZipFile(tmp_path / "RoiSet.zip", "w") as archive:
        for index, each in enumerate([roi([[1, 2]]), rectangle, roi([[3.5, 4.5]], position=2), polygon, line]):
            archive.writestr(f"{index}.roi", each.tobytes())
        archive.writestr("readme.txt", "no selection")
    (clicks,) = read_imagej(tmp_path / "RoiSet.zip")
    assert clicks.points.tolist() == [[1, 2], [3.5, 4.5]]
    box, square = clicks.outlines
    assert box.area.bounds == (1.5, 2.5, 7.5, 5.5) and box.name is None  # columns 2-7, rows 3-5
    assert square.area.bounds == (9.5, 9.5, 13.5, 13.5) and square.name == "3"
    assert "RoiSet.zip: selections that are neither points nor areas are left out: 1 polyline" in caplog.text
    assert "RoiSet.zip: its points lie in 2 planes" in caplog.text


def test_a_composite_area_has_its_hole(tmp_path):
    def ring(corners):
        start, *others = corners
        return [0, *start, *[value for corner in others for value in (1, *corner)], 4]

    path = ring([(0, 0), (10, 0), (10, 10), (0, 10)]) + ring([(2, 2), (4, 2), (4, 4), (2, 4)])
    composite = ImagejRoi(roitype=ROI_TYPE.RECT, right=10, bottom=10, multi_coordinates=np.array(path, np.float32))
    composite.shape_roi_size = len(path)
    (outline,) = read(tmp_path, composite).outlines
    assert outline.area.area == 100 - 4


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is no whole ImageJ selection"),
        (b"Iout" + bytes(10), "is no whole ImageJ selection"),
        (b"\x89PNG" + bytes(100), "is no whole ImageJ selection"),
        (bytes_of([(1, 2), (3, 4)])[:-3], "is no whole ImageJ selection"),
        (bytes_of([(1, 2)], decimals=True)[:-4] + b"\x7f\xc0\x00\x00", "point 1 is"),
    ],
)
def test_damaged_selections_are_refused_by_name(tmp_path, content, message):
    with pytest.raises(ValueError, match=rf"a\.roi: .*{message}"):
        read(tmp_path, content)


def test_archives_that_are_no_sets_are_refused_by_name(tmp_path, monkeypatch):
    path = tmp_path / "a.zip"
    path.write_bytes(b"PK but no archive")
    with pytest.raises(ValueError, match=r"a\.zip: is no whole archive"):
        read_imagej(path)
    with ZipFile(path, "w", ZIP_DEFLATED) as archive:
        archive.writestr("a.geojson", "{}")
    with pytest.raises(ValueError, match=r"a\.zip: holds no \.roi: .* unpack the archive"):
        read_imagej(path)
    with ZipFile(path, "w", ZIP_DEFLATED) as archive:
        archive.writestr("bad.roi", bytes(80))
    with pytest.raises(ValueError, match=r"a\.zip: bad\.roi is no whole ImageJ selection"):
        read_imagej(path)
    monkeypatch.setattr(imagej, "LARGEST", 50)
    with pytest.raises(ValueError, match=r"a\.zip: bad\.roi has 80 bytes"):
        read_imagej(path)
