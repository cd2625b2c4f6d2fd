# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Files of clicks that people have: read exactly, or refused by what is wrong with a mend that works."""

from __future__ import annotations

import shutil
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bundle.annotations.choice import Choice
from bundle.annotations.dataset import write_clicked_dataset
from bundle.annotations.matching import find_images, read_matched
from bundle.annotations.placement import Placement
from bundle.files.images import IMAGE_SUFFIXES
from bundle.files.points_csv import read_points

CASES = Path(__file__).resolve().parents[2] / "cases"
SIZE = (96, 128)  # H, W
PLACES = [27, 87, 98, 26, 20, 59, 103, 53, 17, 8, 44, 64, 114, 42, 64, 9, 99, 75, 68, 38, 118, 15, 57, 84]
POINTS = sorted(zip(PLACES[::2], PLACES[1::2], strict=True))


def convert(tmp_path: Path, clicks: Path, images: tuple[str, ...] = ("a.png",), centroids: bool = False, **placement):
    """Name -> points, sorted, as `scripts.prepare_data points` writes them."""
    (tmp_path / "images").mkdir(exist_ok=True)
    for name in images:
        Image.new("L", SIZE[::-1], 200).save(tmp_path / "images" / name)
    draft = tmp_path / "draft"
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir()
    found = find_images(tmp_path / "images", IMAGE_SUFFIXES)
    matched = read_matched(clicks, found, tmp_path / "images")
    write_clicked_dataset(draft, found, matched, Choice(centroids=centroids), Placement(**placement))
    written = (draft / "points").iterdir()
    return {path.stem: sorted(map(tuple, read_points(path, SIZE).tolist())) for path in written}


@pytest.mark.parametrize(
    "case",
    [
        "csv_semicolon_decimal_comma",
        "csv_tabs",
        "cvat_points",
        "geojson_bare_geometry_list",
        "imagescope_xml_points",
        "labelme_points",
        "labelstudio_points",
    ],
)
def test_twelve_clicks_are_the_same_twelve_pixels(tmp_path, case):
    assert convert(tmp_path, CASES / case) == {"a": POINTS}


def test_names_of_cell_counters_window(tmp_path):
    assert convert(tmp_path, CASES / "cellcounter_counter_window", ("a.tif", "b.tif")) == {"a": POINTS, "b": POINTS}


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_names_that_look_alike_are_equal(tmp_path, form):
    image = unicodedata.normalize(form, "Pr\u00e4parat_\u00e4.png")
    found = convert(tmp_path, CASES / "unicode_nfd_nfc", (image,))
    assert found == {"Pr\u00e4parat_\u00e4": POINTS}


def test_clicks_in_several_frames_are_warned_of(tmp_path, caplog):
    assert convert(tmp_path, CASES / "ij_hyperstack_rois") == {"a": POINTS}
    assert "a.zip: its points lie in 3 planes of a stack" in caplog.text


def test_a_results_table_of_imagej_is_refused_until_its_unit_is_stated(tmp_path):
    with pytest.raises(ValueError, match=r"a\.csv: is a Results table of ImageJ.*px or um.*--unit 1 if they are px"):
        convert(tmp_path, CASES / "imagej_results_csv")
    assert convert(tmp_path, CASES / "imagej_results_csv", unit=0.25) == {"a": POINTS}
    assert convert(tmp_path, CASES / "imagej_results_csv", unit=1)["a"][0] == (4.25, 2)
    with pytest.raises(ValueError, match=r"a\.csv: is a Results table of ImageJ.*prepare_data points --unit"):
        read_points(CASES / "imagej_results_csv" / "a.csv", SIZE)  # in a data folder nobody says the unit


def test_measurements_of_qupath_in_um(tmp_path):
    with pytest.raises(ValueError, match=r"a\.tsv: its coordinates are um: give --unit"):
        convert(tmp_path, CASES / "qupath_measurements_tsv")
    assert convert(tmp_path, CASES / "qupath_measurements_tsv", unit=0.25) == {"a": POINTS}


def test_a_click_on_the_right_border_is_one_in_the_last_column(tmp_path, caplog):
    (found,) = convert(tmp_path, CASES / "geojson_click_on_right_border").values()
    assert {point for point in found if point not in POINTS} == {point for point in found if point[0] == SIZE[1] - 1}
    assert "a.geojson: 1 points lie on the border of the image" in caplog.text


@pytest.mark.parametrize(("x", "y", "expected"), [(128, 5, (127, 4.5)), (5, 96, (4.5, 95)), (128, 96, (127, 95))])
def test_clicks_on_the_borders_of_an_image_belong_to_it(tmp_path, x, y, expected):
    (tmp_path / "a.geojson").write_text(f'{{"type": "MultiPoint", "coordinates": [[{x}, {y}], [9.5, 9.5]]}}')
    assert expected in convert(tmp_path, tmp_path / "a.geojson")["a"]


def test_a_click_far_beyond_the_border_is_refused(tmp_path):
    (tmp_path / "a.geojson").write_text('{"type": "MultiPoint", "coordinates": [[129.6, 5], [9.5, 9.5]]}')
    with pytest.raises(ValueError, match="1 of 2 points lie beyond the image"):
        convert(tmp_path, tmp_path / "a.geojson")


def test_the_middle_of_a_run_length_mask_lies_in_it(tmp_path):
    """An upside-down L: columns 20 to 59 of rows 20 to 23, and columns 20 to 23 of rows 20 to 59."""
    ((x, y),) = convert(tmp_path, CASES / "coco_rle_masks", centroids=True)["a"]
    assert (20 <= x <= 23 and 20 <= y <= 59) or (20 <= x <= 59 and 20 <= y <= 23)


def test_an_object_larger_than_half_the_picture_is_no_background(tmp_path):
    ((x, y),) = convert(tmp_path, CASES / "label_one_big_object")["a"]
    assert np.hypot(x - 73.5, y - 52.5) < 1


def test_an_image_stated_empty_is_kept_with_an_empty_points_file(tmp_path, caplog):
    with caplog.at_level("INFO"):
        found = convert(tmp_path, CASES / "empty_image_zero_clicks", ("a.png", "empty.png"))
    assert found == {"a": POINTS, "empty": []} and "1 images are stated to hold no object" in caplog.text


def test_an_image_of_which_nobody_said_that_it_is_empty_is_left_out(tmp_path, caplog):
    shutil.copyfile(CASES / "csv_tabs" / "a.csv", tmp_path / "a.csv")
    (tmp_path / "b.geojson").write_text('{"type": "FeatureCollection", "features": []}')
    assert list(convert(tmp_path, tmp_path, ("a.png", "b.png"))) == ["a"]
    assert "no point for image b, which is left out; if it holds no object, say so by a file b.csv" in caplog.text
    (tmp_path / "b.geojson").unlink()
    (tmp_path / "b.csv").write_text("x,y\n")  # the mend of the message
    assert convert(tmp_path, tmp_path, ("a.png", "b.png"))["b"] == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("sep=;\nx;y\n1,5;2\n", [(1.5, 2)]),
        ("x\ty\n1,5\t2\n", [(1.5, 2)]),
        ("x;y;class\n1.5;2;Tumor\n", [(1.5, 2)]),
        ("sep=\t\r\nX\tY\r\n3\t4\r\n", [(3, 4)]),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_tables_of_other_countries(tmp_path, text, found, encoding):
    (tmp_path / "a.csv").write_bytes(text.encode(encoding))
    assert convert(tmp_path, tmp_path / "a.csv") == {"a": found}


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.json", '{"a": 1}', "this JSON is of no known format; known are: COCO, LabelMe, VIA, Label Studio"),
        ("a.json", "[1, 2]", "this JSON is of no known format"),
        (
            "a.xml",
            "<notes/>",
            "this XML that begins with <notes> is of no known format; known are: Fiji's Cell Counter",
        ),
        ("a.csv", "left,top\n1,2\n", ".*header is 'left,top': neither a points layer of napari .*nor ImageJ's Results"),
        ("a.xml", "<annotations><track/></annotations>", "is CVAT for video: export the task as CVAT for images"),
    ],
)
def test_what_is_not_known_is_named_with_what_is(tmp_path, name, text, message):
    (tmp_path / name).write_text(text)
    with pytest.raises(ValueError, match=f"{name}.*{message}"):
        convert(tmp_path, tmp_path / name)
