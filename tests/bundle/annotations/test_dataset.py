# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Images and clicks from elsewhere become a data folder that the rest of the project reads, with check pictures."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from bundle.annotations.choice import Choice
from bundle.annotations.dataset import write_clicked_dataset
from bundle.annotations.matching import find_images, read_matched
from bundle.annotations.placement import Placement
from bundle.data.folder import DataFolder

SIZE = (30, 40)  # H, W
GREY = 90
ALL, AS_IT_IS = Choice(), Placement()


def feature(kind, coordinates, name=None):
    classification = {"classification": {"name": name}} if name else {}
    return {"type": "Feature", "geometry": {"type": kind, "coordinates": coordinates}, "properties": classification}


SQUARE = [[[2, 2], [8, 2], [8, 6], [2, 6], [2, 2]]]


@pytest.fixture
def convert(tmp_path):
    """Turns features of images called a, b, ... into a data folder."""
    for part in ("images", "clicks", "out"):
        (tmp_path / part).mkdir()

    def run(*images, choice=ALL, placement=AS_IT_IS):
        for name, features in zip("abc", images, strict=False):
            Image.fromarray(np.full((*SIZE, 3), GREY, np.uint8)).save(tmp_path / "images" / f"{name}.png")
            (tmp_path / "clicks" / f"{name}.geojson").write_text(json.dumps(features))
        found = find_images(tmp_path / "images", (".png",))
        matched = read_matched(tmp_path / "clicks", found, tmp_path / "images")
        return write_clicked_dataset(tmp_path / "out", found, matched, choice, placement), tmp_path / "out"

    return run


def test_the_folder_can_be_trained_on_and_its_check_pictures_show_the_points(convert, tmp_path):
    count, out = convert([feature("MultiPoint", [[10.5, 5.5], [30.5, 20]])], [feature("Point", [1.5, 1.5], "x")])
    folder = DataFolder(out)
    folder.check_points()
    assert count == len(folder.training) == 2
    assert folder.load(folder.training[0])["points"].tolist() == [[10, 5], [30, 19.5]]
    assert (out / "images/a.png").read_bytes() == (tmp_path / "images/a.png").read_bytes()
    picture = np.asarray(Image.open(out / "check/a.png"))
    assert picture.shape == (*SIZE, 3)
    assert picture[5, 10].tolist() == picture[19, 30].tolist() == [255, 255, 255]
    assert picture[25, 5].tolist() == [GREY] * 3


def test_classes_middles_and_placement_are_obeyed(convert):
    _, out = convert(
        [feature("Point", [1, 2], "a"), feature("Point", [3, 4], "b"), feature("Polygon", SQUARE, "a")],
        choice=Choice(("a",), centroids=True),
        placement=Placement(scale=2),
    )
    points = DataFolder(out).load(DataFolder(out).training[0])["points"]
    assert points.tolist() == [[1.5, 3.5], [9.5, 7.5]]


def test_an_image_without_points_is_left_out(convert, caplog):
    count, out = convert([feature("Point", [1, 2], "a")], [feature("Point", [1, 2], "b")], choice=Choice(("a",)))
    assert count == 1 and [path.name for path in (out / "images").iterdir()] == ["a.png"]
    assert "b.geojson: no point for image b, which is left out" in caplog.text


@pytest.mark.parametrize(
    ("features", "choice", "message"),
    [
        ([feature("Polygon", SQUARE)], ALL, r"a\.geojson: 1 marks are outlines, not points"),
        ([feature("Point", [41, 2])], ALL, r"a\.geojson: 1 of 1 points lie beyond the image of 40 x 30 px"),
        ([feature("Point", [1, 2])], Choice(("t",)), "no mark has the class t; the files hold no class: 1"),
        (
            [feature("Point", [4, 4]), feature("Polygon", SQUARE, "Region*")],
            ALL,
            r"a\.geojson: holds regions .* cut tiles",
        ),
        ([], ALL, "no image has a point"),
    ],
)
def test_what_would_train_wrongly_is_refused(convert, features, choice, message):
    with pytest.raises(ValueError, match=message):
        convert(features, choice=choice)
