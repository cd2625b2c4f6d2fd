# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Points files: what is read, and the line that an error names."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from bundle.files.points_csv import parse_points, read_points, write_points

SIZE = (40, 50)  # H, W


def save(folder: Path, text: str | bytes) -> Path:
    path = folder / "a.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


@pytest.mark.parametrize(
    "text",
    [
        "x,y\n1.5,2\n30,4.25\n",
        "X,Y\n1.5,2\n30,4.25",
        "\ufeffx,y\r\n1.5,2\r\n30,4.25\r\n",
        '"name", y ,class, x \n"a,b",2,1,1.5\n\n , , , \nc,4.25,2, 30 \n',
    ],
)
def test_columns_are_found_by_name(tmp_path, text):
    points = read_points(save(tmp_path, text), SIZE)
    assert points.dtype == torch.float32
    assert points.tolist() == [[1.5, 2], [30, 4.25]]


def test_the_image_reaches_half_a_pixel_beyond_its_outer_centres(tmp_path):
    points = read_points(save(tmp_path, "x,y\n-0.5,-0.5\n49.49,39.49\n"), SIZE)
    assert len(points) == 2


@pytest.mark.parametrize("row", ["49.5,3", "-0.51,3", "3,39.5", "3,-0.6", "39,49", "1e9,1"])
def test_a_point_outside_is_named_with_its_line(tmp_path, row):
    x, y = row.split(",")
    with pytest.raises(
        ValueError, match=rf"a\.csv, line 3: the point x={x}, y={y} lies outside .* 50 x 40 px \(1 of 2"
    ):
        read_points(save(tmp_path, f"x,y\n1,1\n{row}\n"), SIZE)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: the header is ''"),
        ("1,2\n3,4\n", "line 1: the header is '1,2'"),
        ("x y\n1 2\n", "line 1: the header is 'x y': .* separated by commas"),
        ("x,X,y\n1,2,3\n", "must name one column x"),
        ("x,y\n1,2\n3,nan\n", "line 3: y is 'nan', which is no number"),
        ("x,y\n1,2\n\ninf,3\n", "line 4: x is 'inf'"),
        ("x,y\nleft,3\n", "line 2: x is 'left'"),
        ("x,y\n1,\n", "line 2: y is ''"),
        ("x,y\n1\n", "line 2: '1' has fewer columns"),
        (b"x,y\n\xff\xfe,2\n", "is no CSV text"),
    ],
)
def test_bad_files_are_refused_by_name_and_line(tmp_path, text, message):
    path = save(tmp_path, text)
    with pytest.raises(ValueError, match=message) as caught:
        read_points(path, SIZE)
    assert str(path) in str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"gone\.csv: no such points file"):
        read_points(tmp_path / "gone.csv", SIZE)


def test_double_clicks_are_merged_with_a_warning(tmp_path, caplog):
    path = save(tmp_path, "x,y\n1,2\n3,4\n1.0,2.0\n5,6\n1,2\n")
    assert read_points(path, SIZE).tolist() == [[1, 2], [3, 4], [5, 6]]
    assert f"{path}: 2 points lie exactly on others" in caplog.text
    assert len(parse_points(path, SIZE)) == 5


def test_no_points_may_be_parsed(tmp_path):
    assert parse_points(save(tmp_path, "x,y\n"), SIZE).shape == (0, 2)


@given(st.lists(st.tuples(st.integers(-50, 4949), st.integers(-50, 3949)), min_size=1, unique=True))
def test_written_points_come_back(tmp_path_factory, hundredths):
    points = torch.tensor(hundredths, dtype=torch.float32) / 100
    path = tmp_path_factory.mktemp("points") / "a.csv"
    write_points(path, points)
    torch.testing.assert_close(read_points(path, SIZE), points, rtol=0, atol=1e-5)


def test_a_point_next_to_the_far_edge_stays_inside(tmp_path):
    points = torch.tensor([[SIZE[1] - 0.501, SIZE[0] - 0.5001], [-0.4999, 1 / 3]])
    write_points(tmp_path / "a.csv", points)
    assert torch.equal(read_points(tmp_path / "a.csv", SIZE), points)


def test_a_header_alone_states_an_image_without_objects(tmp_path):
    assert read_points(save(tmp_path, "x,y\n"), SIZE).shape == (0, 2)


@pytest.mark.parametrize("text", ["x;y\n1,5;2\n", "x\ty\n1,5\t2\n", "sep=;\nx;y\n1.5;2\n"])
def test_semicolons_tabs_and_decimal_commas_are_understood(tmp_path, text):
    assert read_points(save(tmp_path, text), SIZE).tolist() == [[1.5, 2]]
