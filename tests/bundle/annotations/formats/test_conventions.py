# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The same clicks in every format: whatever a program means by its numbers, the same pixels come out."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image
from roifile import ROI_TYPE, ImagejRoi, roiwrite

from bundle.annotations.formats.registry import read_clicks
from bundle.annotations.placement import Placement

PIXELS = [(3, 7), (0, 0), (19, 11)]  # column and row of the pixels clicked on, in their middle
SIZE = (12, 20)  # H, W
MPP = 0.25
ROOT = Path(__file__).resolve().parents[4]


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


def qupath_table(path, unit="px", length=1.0):
    rows = [f"a.png\tTumor\tPoint\t{(x + 0.5) * length}\t{(y + 0.5) * length}" for x, y in PIXELS]
    path.write_text("\n".join([f"Image\tClass\tROI\tCentroid X {unit}\tCentroid Y {unit}", *rows]), encoding="utf-8")


def qupath_table_in_um(path):
    qupath_table(path, "\u00b5m", MPP)


def imagej_results(path):
    rows = [f"{index},0,{x * MPP},{y * MPP},1" for index, (x, y) in enumerate(PIXELS, 1)]
    path.write_text("\n".join([" ,Area,X,Y,Slice", *rows]))


def image_scope(path):
    regions = "".join(
        f'<Region Type="5"><Vertices><Vertex X="{x + 0.5}" Y="{y + 0.5}"/></Vertices></Region>' for x, y in PIXELS
    )
    path.write_text(f'<Annotations><Annotation Name="n"><Regions>{regions}</Regions></Annotation></Annotations>')


def asap(path):
    dots = "".join(
        f'<Annotation Type="Dot" PartOfGroup="n"><Coordinates><Coordinate X="{x + 0.5}" Y="{y + 0.5}"/></Coordinates>'
        "</Annotation>"
        for x, y in PIXELS
    )
    path.write_text(f"<ASAP_Annotations><Annotations>{dots}</Annotations></ASAP_Annotations>")


def cvat(path):
    places = ";".join(f"{x + 0.5},{y + 0.5}" for x, y in PIXELS)
    image = f'<image name="x/a.png" width="{SIZE[1]}" height="{SIZE[0]}"><points label="n" points="{places}"/></image>'
    path.write_text(f"<annotations><version>1.1</version>{image}</annotations>")


def labelme(path):
    shapes = [{"label": "n", "shape_type": "point", "points": [[x + 0.5, y + 0.5]]} for x, y in PIXELS]
    path.write_text(json.dumps({"shapes": shapes, "imagePath": "a.png", "imageHeight": SIZE[0], "imageWidth": SIZE[1]}))


def percents():
    return [{"x": 100 * (x + 0.5) / SIZE[1], "y": 100 * (y + 0.5) / SIZE[0]} for x, y in PIXELS]


def label_studio(path):
    size = {"original_width": SIZE[1], "original_height": SIZE[0], "image_rotation": 0}
    result = [
        {**size, "type": "keypointlabels", "value": {**place, "width": 1, "keypointlabels": ["n"]}}
        for place in percents()
    ]
    path.write_text(json.dumps([{"id": 1, "data": {"image": "/u/1/a.png"}, "annotations": [{"result": result}]}]))


def label_studio_min(path):
    size = {"original_width": SIZE[1], "original_height": SIZE[0]}
    points = [{**size, **place, "width": 1, "keypointlabels": ["n"]} for place in percents()]
    path.write_text(json.dumps([{"image": "/u/1/a.png", "id": 1, "annotation_id": 2, "points": points}]))


def via(path):
    regions = [
        {"shape_attributes": {"name": "point", "cx": x + 0.5, "cy": y + 0.5}, "region_attributes": {"class": "n"}}
        for x, y in PIXELS
    ]
    path.write_text(json.dumps({"a.png1": {"filename": "a.png", "size": 1, "regions": regions}}))


def via_project(path):
    via(path)
    path.write_text(json.dumps({"_via_settings": {}, "_via_img_metadata": json.loads(path.read_text())}))


def dsa(path):
    elements = [{"type": "point", "center": [x + 0.5, y + 0.5, 0], "group": "n"} for x, y in PIXELS]
    path.write_text(json.dumps({"name": "n", "elements": elements}))


def label_with_palette(path):
    picture = np.zeros(SIZE, np.uint8)
    for value, (x, y) in zip([90, 5, 44], PIXELS, strict=True):
        picture[y, x] = value
    tifffile.imwrite(
        path, picture, photometric="palette", colormap=np.random.default_rng(0).integers(0, 2**16, (3, 256))
    )


def semicolons(path):
    path.write_text("x;y\n" + "".join(f"{x},0;{y},0\n" for x, y in PIXELS))


ROWS = {  # of the table in docs/points.md -> files of that kind
    "QuPath `.geojson`, `.json`": [(geojson, "a.geojson"), (geojson, "a.json")],
    "QuPath measurements `.tsv`, `.csv`": [
        (qupath_table, "a.tsv"),
        (qupath_table, "a.csv"),
        (qupath_table_in_um, "a.tsv"),
    ],
    "ImageJ, Fiji `.roi`, `.zip`": [(imagej, "a.roi"), (imagej_set, "a.zip")],
    "ImageJ Results `.csv`": [(imagej_results, "a.csv")],
    "napari `.csv`": [(napari, "a.csv")],
    "Cell Counter `.xml`": [(cell_counter, "a.xml")],
    "ImageScope `.xml`": [(image_scope, "a.xml")],
    "ASAP `.xml`": [(asap, "a.xml")],
    "CVAT `.xml`": [(cvat, "a.xml")],
    "LabelMe `.json`": [(labelme, "a.json")],
    "Label Studio `.json`": [(label_studio, "a.json"), (label_studio_min, "a.json")],
    "VIA `.json`": [(via, "a.json"), (via_project, "a.json")],
    "Digital Slide Archive `.json`": [(dsa, "a.json")],
    "COCO keypoints `.json`": [(coco, "a.json")],
    "picture of dots `.png`, `.tif`": [(dots, "a.png"), (dots, "a.TIF")],
    "label `.png`, `.tif`": [(label, "a.tif"), (label_with_palette, "a.tif")],
    "table `.csv`, `.tsv`": [(plain, "a.csv"), (plain, "a.tsv"), (semicolons, "a.csv")],
}


def test_every_row_of_the_page_has_a_case():
    text = (ROOT / "docs" / "points.md").read_text(encoding="utf-8")
    rows = [line.split("|")[1].strip() for line in text.splitlines() if line.startswith("| ")]
    assert rows == ["from", *ROWS]


@pytest.mark.parametrize(("write", "name"), [case for cases in ROWS.values() for case in cases])
def test_a_click_in_the_middle_of_a_pixel_is_that_pixel_in_every_format(tmp_path, write, name):
    path = tmp_path / name
    write(path)
    (read,) = read_clicks(path)
    clicks = Placement(unit=None if read.unit == "px" else MPP)(read)
    assert clicks.points.dtype == np.float64 and len(clicks.names) == len(PIXELS)
    assert sorted(map(tuple, clicks.points.round(9).tolist())) == sorted(PIXELS)
    assert not clicks.outlines
    assert clicks.image in (None, "a") and clicks.size in (None, SIZE)


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
