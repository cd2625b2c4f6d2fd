# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Typical diameters: as they are typed, in um and px, and one for each image of diameters.csv."""

from __future__ import annotations

from pathlib import Path

import pytest

from bundle.data.diameters import Diameter, parse_diameter, read_diameters


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("8", Diameter(8, "um")),
        ("8.5um", Diameter(8.5, "um")),
        (" 8 UM ", Diameter(8, "um")),
        ("8 \u00b5m", Diameter(8, "um")),
        ("8\u03bcm", Diameter(8, "um")),
        ("24px", Diameter(24, "px")),
        ("2.4e1 px", Diameter(24, "px")),
        (".5", Diameter(0.5, "um")),
    ],
)
def test_diameters_as_they_are_typed(text: str, expected: Diameter) -> None:
    assert parse_diameter(text) == expected


@pytest.mark.parametrize(
    "text", ["-3", "0", "big", "", "px", "nan", "inf px", "8 mm", "8,5", "24 px px", "-3px", "8\n9"]
)
def test_what_is_no_diameter_is_refused_with_examples(text: str) -> None:
    with pytest.raises(ValueError, match="diameter is .*positive number of um, such as 8, or of px .* such as 24px"):
        parse_diameter(text)


def test_px_are_those_of_the_image_and_of_the_model_where_its_spacing_is_unknown() -> None:
    """An image of unknown spacing stays as it is, so that one of its px is one of the model's."""
    assert Diameter(24, "px").um(0.25, 0.5) == 6
    assert Diameter(24, "px").um(None, 0.5) == 12
    assert Diameter(24, "um").um(0.25, 0.5) == Diameter(24).um(None, 0.5) == 24


def save(folder: Path, text: str) -> Path:
    path = folder / "diameters.csv"
    path.write_text(text)
    return path


def test_diameters_of_images_by_name(tmp_path: Path) -> None:
    table = "Image,slide,diameter_UM\nc d,1, 7.5\n\na,2,3\n"
    assert read_diameters(save(tmp_path, table), ["a", "b", "c d"]) == {"c d": Diameter(7.5), "a": Diameter(3)}
    assert read_diameters(save(tmp_path, "diameter_px,image\n30,b\n"), "ab") == {"b": Diameter(30, "px")}
    assert read_diameters(save(tmp_path, "image,diameter_um\n"), "ab") == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: the header is ''"),
        ("a,3\n", "line 1: the header is 'a,3': it must name one column image and one column diameter_um or"),
        ("image,diameter\na,3\n", "line 1: the header is 'image,diameter'"),
        ("image,diameter_um,diameter_px\na,3,6\n", "line 1: .* one column diameter_um or diameter_px"),
        ("diameter_um\n3\n", "line 1: .* one column image"),
        ("image,image,diameter_um\na,b,3\n", "line 1: .* one column image"),
        ("image,diameter_um\na,3\n\nq,3\n", "line 4: there is no image 'q': .* without the ending"),
        ("image,diameter_um\na.png,3\n", "line 2: there is no image 'a.png'"),
        ("image,diameter_um\na,3\nb,4\na,3\n", "line 4: 'a' is on line 2 already: keep one"),
        ("image,diameter_um\na,0\n", "line 2: diameter_um is '0': give a positive number of um"),
        ("image,diameter_px\na,-3\n", "line 2: diameter_px is '-3': give a positive number of px"),
        ("image,diameter_um\na,big\n", "line 2: diameter_um is 'big', which is no number"),
        ("image,diameter_um\na,\n", "line 2: diameter_um is '', which is no number"),
        ("image,diameter_um\na,7,5\n", "line 2: 'a,7,5' has more columns than the header: write 1.5, not 1,5"),
        ("image,diameter_um\na\n", "line 2: 'a' has fewer columns than the header: fill in image and diameter_um"),
    ],
)
def test_a_bad_file_is_named_with_the_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ValueError, match=rf"diameters\.csv, {message}"):
        read_diameters(save(tmp_path, text), ["a", "b"])
