# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""CSV of napari and plain tables: axis order, planes, classes, and the line that an error names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bundle.annotations.formats.registry import read_clicks


def read(folder, text):
    path = folder / "a.csv"
    path.write_text(text)
    (clicks,) = read_clicks(path)
    return clicks


def test_the_last_two_axes_are_y_and_x(tmp_path):
    clicks = read(tmp_path, "index,axis-0,axis-1\n0.0,12.25,40\n1.0,3,5.5\n")
    assert clicks.points.tolist() == [[40, 12.25], [5.5, 3]]


def test_axes_before_them_are_planes(tmp_path, caplog):
    assert read(tmp_path, "index,axis-0,axis-1,axis-2\n0,4,1,2\n1,4,3,5\n").points.tolist() == [[2, 1], [5, 3]]
    assert not caplog.text
    read(tmp_path, "index,axis-0,axis-1,axis-2\n0,4,1,2\n1,5,3,5\n")
    assert "a.csv: its points lie in 2 planes" in caplog.text


def test_columns_are_found_by_name_and_axes_counted_as_numbers(tmp_path):
    axes = [f"axis-{n}" for n in (10, 9, 0, 1, 2, 3, 4, 5, 6, 7, 8)]
    clicks = read(tmp_path, f"Label,{','.join(axes)}\nlymph,7,8,{','.join('0' * 9)}\n,1,2,{','.join('0' * 9)}\n")
    assert clicks.points.tolist() == [[7, 8], [1, 2]]
    assert clicks.names == ("lymph", None)


def test_a_plain_table_may_have_classes_and_other_columns(tmp_path):
    clicks = read(tmp_path, "id,Y,X,class,type\n1,2,3,a,b\n2,4,5,,c\n")
    assert clicks.points.tolist() == [[3, 2], [5, 4]]
    assert clicks.names == ("a", None)


@pytest.mark.parametrize("header", ["index,axis-0,axis-1", "x,y"])
def test_a_table_without_rows_has_no_points(tmp_path, header):
    assert read(tmp_path, header + "\n").points.shape == (0, 2)


@given(st.lists(st.tuples(*[st.floats(-1e5, 1e5)] * 2), max_size=20))
def test_coordinates_come_back_to_the_last_digit(tmp_path_factory, points):
    rows = "".join(f"{index},{y!r},{x!r}\n" for index, (x, y) in enumerate(points))
    clicks = read(tmp_path_factory.mktemp("csv"), "index,axis-0,axis-1\n" + rows)
    assert list(map(tuple, clicks.points.tolist())) == points


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("index,axis-0,axis-1\n0,1,two\n", "line 2: axis-1 is 'two', which is no number"),
        ("index,axis-0,axis-1\n0,1\n", "line 2: '0,1' has fewer columns"),
        ("index,axis-0\n0,1\n", "line 1: the header is 'index,axis-0'"),
        ("axis-0,axis-0,axis-1\n", "line 1: the header is"),
        ("index,shape-type,vertex-index,axis-0,axis-1\n0,path,0,1,1\n", "is a shapes layer of napari"),
        ("a,b\n1,2\n", "line 1: the header is 'a,b': neither a points layer of napari"),
        ("x,y\n1,2\n3,nan\n", "line 3: y is 'nan'"),
        ("x,X,y\n1,2,3\n", "line 1: the header"),
    ],
)
def test_bad_tables_are_refused_by_name_and_line(tmp_path, text, message):
    with pytest.raises(ValueError, match=rf"a\.csv.*{message}"):
        read(tmp_path, text)
