# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""CSV tables: rows with the numbers of their lines, and messages that name them."""

from __future__ import annotations

from pathlib import Path

import pytest

from bundle.files.csv_table import as_cell, from_cell, read_by_image, read_cell_number, read_cells, read_table


def save(folder: Path, content: bytes) -> Path:
    path = folder / "a.csv"
    path.write_bytes(content)
    return path


def test_rows_keep_their_line_numbers_and_empty_ones_are_passed_over(tmp_path: Path) -> None:
    path = save(tmp_path, '\ufeffa, B\r\n1,2\r\n\r\n , \r\n"x,y",\u00e4\r\n'.encode())
    assert read_table(path, "a,b") == (["a", " B"], [(2, ["1", "2"]), (5, ["x,y", "\u00e4"])])
    assert read_table(save(tmp_path, b""), "a,b") == ([], [])


def test_what_is_no_utf8_text_is_named_with_the_header_it_needs(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"a\.csv: is no CSV text .* with the header a,b"):
        read_table(save(tmp_path, b"a,b\n\xff\xfe,1\n"), "a,b")


def test_cells_are_taken_by_column_without_blanks() -> None:
    assert read_cells(Path("a.csv"), ["a", "b", "c"], (3, [" 1 ", "2", "x"]), (2, 0)) == ["x", "1"]
    assert read_cells(Path("a.csv"), ["a", "b", "c"], (3, ["1", "2"]), (0, 1)) == ["1", "2"]  # c is not asked for
    assert read_cells(Path("a.csv"), ["a", "b"], (3, ["1", "2", " ", ""]), (0, 1)) == ["1", "2"]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (["1"], "line 7: '1' has fewer columns than the header: fill in a and b"),
        (["1", "5", "2", "5"], "line 7: '1,5,2,5' has more columns than the header: write 1.5, not 1,5, in a and b"),
    ],
)
def test_rows_of_another_length_are_refused(row: list[str], message: str) -> None:
    """A decimal comma would otherwise move all that follows it by a column."""
    with pytest.raises(ValueError, match=message):
        read_cells(Path("a.csv"), ["a", "b"], (7, row), (0, 1))


@pytest.mark.parametrize("text", ["", "big", "nan", "inf", "1,5"])
def test_what_is_no_number_is_named(text: str) -> None:
    with pytest.raises(ValueError, match=f"a.csv, line 2: width is '{text}', which is no number"):
        read_cell_number("a.csv", 2, "width", text)
    assert read_cell_number("a.csv", 2, "width", "1e-1") == 0.1


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@sum(A1)", "\t=1", "'=1", "''=1", "\r=1", "\n=1"])
def test_a_spreadsheet_computes_no_name(text: str) -> None:
    assert as_cell(text) == f"'{text}" and from_cell(as_cell(text)) == text


@pytest.mark.parametrize("text", ["a", "", "it's", "'quoted'", "a=1", "1-2", " =1"])
def test_other_names_stay_as_they_are(text: str) -> None:
    assert as_cell(text) == text == from_cell(text)


def test_an_image_may_be_listed_as_our_tables_write_it() -> None:
    table = ["image", "diameter_um"], [(2, ["'=a", "8"]), (3, ["'b", "7"])]
    assert read_by_image(Path("d.csv"), table, (0, 1), ["=a", "'b"]) == {"=a": 8.0, "'b": 7.0}


@pytest.mark.parametrize("text", ["x;y\n1.027;9,5\n", "x\ty\n1,5\t2.5\n"])
def test_numbers_with_commas_beside_numbers_with_points_are_refused(tmp_path, text):
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(ValueError, match=r"a\.csv: some numbers have a comma, and others a point, such as '\d\.\d+'"):
        read_table(tmp_path / "a.csv", "x,y")


def test_zero_bytes_are_no_text(tmp_path):
    (tmp_path / "a.csv").write_bytes("x,y\n1,2\n".encode("utf-16-le"))
    with pytest.raises(ValueError, match=r"a\.csv: is no CSV text \(it holds zero bytes, as UTF-16 without its mark"):
        read_table(tmp_path / "a.csv", "x,y")


@pytest.mark.parametrize("text", ["x|y\n1,5|2\n", "sep=|\nx|y\n1,5|2\n", "sep=^\nx^y\n1,5^2\n"])
def test_columns_separated_by_other_signs(tmp_path, text):
    (tmp_path / "a.csv").write_text(text)
    header, ((_, cells),) = read_table(tmp_path / "a.csv", "x,y")
    assert header == ["x", "y"] and cells == ["1.5", "2"]


def test_underlines_are_no_part_of_a_number():
    with pytest.raises(ValueError, match="x is '1_0', which is no number"):
        read_cell_number("a.csv", 2, "x", "1_0")
