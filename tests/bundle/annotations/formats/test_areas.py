# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Areas of the programs that draw them: the same rectangle from all, masks to the pixel, and what is left out."""

from __future__ import annotations

import base64
import io
import json
import math

import numpy as np
import pytest
import shapely
from PIL import Image

from bundle.annotations.formats.registry import read_clicks

LEFT, TOP, WIDTH, HEIGHT = 4, 2, 6, 3  # px from the corner
BOX = shapely.box(LEFT - 0.5, TOP - 0.5, LEFT + WIDTH - 0.5, TOP + HEIGHT - 0.5)
RING = [[LEFT, TOP], [LEFT + WIDTH, TOP], [LEFT + WIDTH, TOP + HEIGHT], [LEFT, TOP + HEIGHT]]
SIZE = (12, 20)  # H, W
MASK = np.ones((HEIGHT, WIDTH), bool)


def text_of(mask: np.ndarray) -> str:
    stream = io.BytesIO()
    Image.fromarray(mask.astype(np.uint8) * 255).save(stream, "PNG")
    return base64.b64encode(stream.getvalue()).decode()


def labelme(kind: str, points: list, **more) -> str:
    return json.dumps({"shapes": [{"label": "n", "shape_type": kind, "points": points, **more}]})


def cvat(shape: str) -> str:
    return f'<annotations><image name="a.png" width="20" height="12">{shape}</image></annotations>'


def via(**shape) -> str:
    return json.dumps({"k": {"filename": "a.png", "regions": [{"shape_attributes": shape, "region_attributes": {}}]}})


def label_studio(**value) -> str:
    result = {"original_width": SIZE[1], "original_height": SIZE[0], "value": value}
    return json.dumps([{"data": {"image": "a.png"}, "annotations": [{"result": [result]}]}])


def coco(**segmentation) -> str:
    annotations = [{"image_id": 1, "segmentation": segmentation}]
    return json.dumps({"images": [{"id": 1, "file_name": "a.png"}], "annotations": annotations})


def packed(runs: list[int]) -> str:
    """Run lengths as COCO packs them, written from the description of the format."""
    text = ""
    for index, run in enumerate(runs):
        value = run - runs[index - 2] if index > 2 else run
        while True:
            low, value = value & 31, value >> 5
            done = value == (-1 if low & 16 else 0)
            text += chr(48 + low + (0 if done else 32))
            if done:
                break
    return text


def runs_of(mask: np.ndarray) -> list[int]:
    """Column by column, the first of pixels outside."""
    values = np.concatenate([[False], mask.T.ravel()])
    ends = np.flatnonzero(values[1:] != values[:-1])
    return np.diff([0, *ends, mask.size]).tolist()


WHOLE = np.zeros(SIZE, bool)
WHOLE[TOP : TOP + HEIGHT, LEFT : LEFT + WIDTH] = True
across, down = 100 / SIZE[1], 100 / SIZE[0]  # percent per px


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.json", labelme("polygon", RING)),
        ("a.json", labelme("rectangle", [RING[2], RING[0]])),
        ("a.json", labelme("mask", [RING[0], [9, 4]], mask=text_of(MASK))),
        ("a.xml", cvat('<box label="n" xtl="4" ytl="2" xbr="10" ybr="5"/>')),
        ("a.xml", cvat('<polygon label="n" points="4,2;10,2;10,5;4,5"/>')),
        ("a.xml", cvat('<mask label="n" rle="0, 18" left="4" top="2" width="6" height="3"/>')),
        ("a.json", via(name="rect", x=4, y=2, width=6, height=3)),
        ("a.json", via(name="polygon", all_points_x=[4, 10, 10, 4], all_points_y=[2, 2, 5, 5])),
        ("a.json", label_studio(x=4 * across, y=2 * down, width=6 * across, height=3 * down)),
        ("a.json", label_studio(points=[[x * across, y * down] for x, y in RING])),
        ("a.json", coco(counts=runs_of(WHOLE), size=SIZE)),
        ("a.json", coco(counts=packed(runs_of(WHOLE)), size=SIZE)),
    ],
)
def test_the_same_rectangle_from_every_program(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    (clicks,) = read_clicks(tmp_path / name)
    (outline,) = clicks.outlines
    assert outline.area.symmetric_difference(BOX).area == pytest.approx(0, abs=1e-9)
    assert not len(clicks.points)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.json", labelme("circle", [[6, 5], [6, 8]])),
        ("a.xml", cvat('<ellipse label="n" cx="6" cy="5" rx="3" ry="3"/>')),
        ("a.json", via(name="circle", cx=6, cy=5, r=3)),
        ("a.json", via(name="ellipse", cx=6, cy=5, rx=3, ry=3, theta=0.3)),
        ("a.json", label_studio(x=6 * across, y=5 * down, radiusX=3 * across, radiusY=3 * down)),
    ],
)
def test_round_areas(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    ((outline,),) = [clicks.outlines for clicks in read_clicks(tmp_path / name)]
    assert outline.area.area == pytest.approx(math.pi * 9, rel=0.01)
    assert outline.area.centroid.coords[0] == pytest.approx((5.5, 4.5))


@pytest.mark.parametrize("seed", range(5))
def test_run_lengths_give_the_mask_back(tmp_path, seed):
    mask = np.random.default_rng(seed).random(SIZE) < 0.4
    for counts in (runs_of(mask), packed(runs_of(mask))):
        (tmp_path / "a.json").write_text(coco(counts=counts, size=SIZE))
        area = read_clicks(tmp_path / "a.json")[0].outlines[0].area
        rows, columns = np.indices(SIZE)
        np.testing.assert_array_equal(shapely.contains_xy(area, columns, rows), mask)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.json", labelme("line", [[1, 1], [2, 2]]), "1 line"),
        ("a.xml", cvat('<polyline label="n" points="1,1;2,2"/>'), "1 polyline"),
        ("a.json", via(name="polyline", all_points_x=[1, 2], all_points_y=[1, 2]), "1 polyline"),
        ("a.json", label_studio(format="rle", rle=[1, 2]), "1 brush mask"),
    ],
)
def test_what_is_neither_point_nor_area_is_left_out_by_name(tmp_path, caplog, name, text, said):
    (tmp_path / name).write_text(text)
    (clicks,) = read_clicks(tmp_path / name)
    assert not clicks.outlines and not len(clicks.points) and f"left out: {said}" in caplog.text


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.json", labelme("point", [["x", 1]]), "no x and y"),
        ("a.json", labelme("mask", [[1, 1]], mask="no mask"), "a mask is no PNG"),
        ("a.xml", cvat('<points label="n" points="1,b"/>'), "no x and y"),
        ("a.xml", cvat('<box label="n" xtl="1"/>'), "ytl of a box is None"),
        ("a.json", via(name="rect", x="1", y=2, width=3, height=4), "no numbers"),
        ("a.json", coco(counts=[3, 4], size=SIZE), "do not add up to"),
        ("a.json", coco(counts="~~", size=SIZE), "no text of COCO's"),
        (
            "a.json",
            json.dumps([{"id": 7, "data": {"image": "a.png"}, "annotations": [{"result": []}, {"result": []}]}]),
            "task 7 has 2 annotations",
        ),
    ],
)
def test_damage_is_named(tmp_path, name, text, message):
    (tmp_path / name).write_text(text)
    with pytest.raises(ValueError, match=rf"{name}: .*{message}"):
        read_clicks(tmp_path / name)


def test_points_of_labelme_where_the_object_is_not_are_left_out(tmp_path, caplog):
    shape = {"label": "n", "shape_type": "points", "points": [[5.5, 5.5], [7, 7]], "point_labels": [1, 0]}
    (tmp_path / "a.json").write_text(json.dumps({"shapes": [shape], "imagePath": "a.png"}))
    (found,) = read_clicks(tmp_path / "a.json")
    assert found.points.tolist() == [[5, 5]] and "1 point where the object is not" in caplog.text


def test_a_point_of_cvat_with_decimal_commas_is_named(tmp_path):
    shape = '<points label="n" points="5,5,6,5"/>'
    text = f'<annotations><image name="a.png" width="9" height="9">{shape}</image></annotations>'
    (tmp_path / "a.xml").write_text(text)
    with pytest.raises(ValueError, match=r"a\.xml: a point of a points has 4 numbers, not x and y"):
        read_clicks(tmp_path / "a.xml")
