# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The same clicks in every format: whatever a program means by its numbers, the same pixels come out."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image
from roifile import ROI_TYPE, ImagejRoi, roiwrite

from bundle.annotations.formats.registry import read_clicks

PIXELS = [(3, 7), (0, 0), (19, 11)]  # column and row of the pixels clicked on, in their middle
SIZE = (12, 20)  # H, W


def geojson(path):
    features = [
        {"type": "Feature", "geometry": {"type": "MultiPoint", "coordinates": [[x + 0.5, y + 0.5] for x, y in PIXELS]}}
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))


def imagej(path):
    roi = ImagejRoi.frompoints(np.array(PIXELS))
    roi.roitype = ROI_TYPE.POINT
    roi.tofile(path)


def imagej_set(path):
    rois = [ImagejRoi.frompoints(np.array([pixel], np.float32), name=str(n)) for n, pixel in enumerate(PIXELS)]
    for roi in rois:
        roi.roitype = ROI_TYPE.POINT
    roiwrite(path, rois)


def napari(path):
    rows = [f"{index},{float(y)},{float(x)}" for index, (x, y) in enumerate(PIXELS)]
    path.write_text("\n".join(["index,axis-0,axis-1", *rows]) + "\n")


def plain(path):
    path.write_text("x,y\n" + "".join(f"{x},{y}\n" for x, y in PIXELS))


def cell_counter(path):
    markers = "".join(
        f"<Marker><MarkerX>{x}</MarkerX><MarkerY>{y}</MarkerY><MarkerZ>1</MarkerZ></Marker>" for x, y in PIXELS
    )
    kind = f"<Marker_Type><Type>1</Type><Name>Type 1</Name>{markers}</Marker_Type>"
    path.write_text(f"<CellCounter_Marker_File><Marker_Data>{kind}</Marker_Data></CellCounter_Marker_File>")


def coco(path):
    content = {
        "images": [{"id": 1, "file_name": "a.png", "height": SIZE[0], "width": SIZE[1]}],
        "annotations": [{"image_id": 1, "category_id": 1, "keypoints": [x, y, 2]} for x, y in PIXELS],
        "categories": [{"id": 1, "name": "nucleus"}],
    }
    path.write_text(json.dumps(content))


def dots(path):
    picture = np.zeros(SIZE, np.uint8)
    for x, y in PIXELS:
        picture[y, x] = 255
    Image.fromarray(picture).save(path)


def label(path):
    picture = np.zeros(SIZE, np.uint16)
    for value, (x, y) in zip([900, 5, 44], PIXELS, strict=True):
        picture[y, x] = value
    Image.fromarray(picture).save(path)


@pytest.mark.parametrize(
    ("write", "name"),
    [
        (geojson, "a.geojson"),
        (geojson, "a.json"),
        (imagej, "a.roi"),
        (imagej_set, "a.zip"),
        (napari, "a.csv"),
        (plain, "a.csv"),
        (cell_counter, "a.xml"),
        (coco, "a.json"),
        (dots, "a.png"),
        (dots, "a.TIF"),
        (label, "a.tif"),
    ],
)
def test_a_click_in_the_middle_of_a_pixel_is_that_pixel_in_every_format(tmp_path, write, name):
    path = tmp_path / name
    write(path)
    (clicks,) = read_clicks(path)
    assert clicks.points.dtype == np.float64 and len(clicks.names) == len(PIXELS)
    assert sorted(map(tuple, clicks.points.tolist())) == sorted(PIXELS)
    assert not clicks.outlines


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.geojson", [{"type": "Feature", "geometry": "Point"}]),
        ("a.geojson", [{"type": "Feature", "geometry": {"type": "Point", "coordinates": [1, 1]}, "properties": "x"}]),
        ("a.json", {"images": [{"id": [1], "file_name": "a.png"}], "annotations": []}),
        (
            "a.json",
            {"images": [{"id": 1, "file_name": "a.png"}], "annotations": [{"image_id": 1, "segmentation": [3]}]},
        ),
    ],
)
def test_json_that_is_built_in_another_way_is_named(tmp_path, name, content):
    (tmp_path / name).write_text(json.dumps(content))
    with pytest.raises(ValueError, match=rf"{name}: is not built as its format is \(.*export it again"):
        read_clicks(tmp_path / name)


def test_an_unknown_ending_and_a_missing_file_are_named(tmp_path):
    (tmp_path / "a.txt").write_text("1 2")
    with pytest.raises(ValueError, match=r"a\.txt: its ending is none of \.geojson, \.json"):
        read_clicks(tmp_path / "a.txt")
    with pytest.raises(FileNotFoundError, match=r"gone\.csv: no such file of clicks"):
        read_clicks(tmp_path / "gone.csv")
