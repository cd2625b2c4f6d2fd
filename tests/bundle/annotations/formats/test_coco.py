# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""COCO keypoints: several images in one file, visibility, classes, boxes and polygons, and files that do not fit."""

from __future__ import annotations

import json

import pytest

from bundle.annotations.formats.coco import read_coco

IMAGES = [{"id": 7, "file_name": "train/b.png", "height": 30, "width": 40}, {"id": "x", "file_name": "a.tif"}]
CATEGORIES = [{"id": 1, "name": "nucleus"}, {"id": 2, "name": "pair", "keypoints": ["left", "right"]}]


def read(tmp_path, annotations, images=IMAGES, categories=CATEGORIES):
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"images": images, "annotations": annotations, "categories": categories}))
    return read_coco(path)


def test_each_image_gets_its_labelled_keypoints(tmp_path):
    first, second = read(
        tmp_path,
        [
            {"image_id": 7, "category_id": 1, "keypoints": [5, 6, 2]},
            {"image_id": "x", "category_id": 2, "keypoints": [1, 2, 1, 3.5, 4, 2]},
            {"image_id": 7, "category_id": 1, "keypoints": [0, 0, 0]},
            {"image_id": 7, "keypoints": [8, 9, 1]},
        ],
    )
    assert (first.image, first.size, second.image, second.size) == ("b", (30, 40), "a", None)
    assert first.points.tolist() == [[5, 6], [8, 9]] and first.names == ("nucleus", None)
    assert second.points.tolist() == [[1, 2], [3.5, 4]] and second.names == ("left", "right")


def test_polygons_and_boxes_are_outlines_measured_from_the_corner(tmp_path):
    clicks, other = read(
        tmp_path,
        [
            {"image_id": 7, "category_id": 1, "segmentation": [[2, 3, 8, 3, 8, 6, 2, 6]], "bbox": [0, 0, 1, 1]},
            {"image_id": 7, "category_id": 1, "segmentation": {"counts": "", "size": [1, 1]}, "bbox": [10, 20, 4, 6]},
            {"image_id": 7, "category_id": 1},
        ],
        categories=CATEGORIES,
    )
    polygon, box = clicks.outlines
    assert polygon.area.bounds == (1.5, 2.5, 7.5, 5.5) and polygon.name == "nucleus"
    assert box.area.bounds == (9.5, 19.5, 13.5, 25.5)
    assert not len(clicks.points) and not other.outlines


@pytest.mark.parametrize(
    ("annotations", "images", "message"),
    [
        ([{"image_id": 3, "keypoints": [1, 2, 2]}], IMAGES, "an annotation is of image 3, which is not listed"),
        ([{"image_id": 7, "keypoints": [1, 2]}], IMAGES, "no list of x, y, v"),
        ([{"image_id": 7, "keypoints": "1,2,2"}], IMAGES, "no list of x, y, v"),
        ([{"image_id": 7, "keypoints": [1, None, 2]}], IMAGES, "keypoint 1 is"),
        ([{"image_id": 7, "segmentation": [[1, 2, 3]]}], IMAGES, "vertex 2 is"),
        ([{"image_id": 7, "bbox": [1, 2, 3, "4"]}], IMAGES, "corner 2 is"),
        ([], [{"id": 1}], "image 1 has no file_name"),
        ([], 5, "has no list of images"),
        ([3], IMAGES, "has no list of annotations"),
    ],
)
def test_files_that_do_not_fit_are_refused_by_name(tmp_path, annotations, images, message):
    with pytest.raises(ValueError, match=rf"a\.json: .*{message}"):
        read(tmp_path, annotations, images)


def test_an_annotation_whose_keypoints_are_all_not_there_is_its_area(tmp_path):
    unseen = {"image_id": 7, "category_id": 1, "keypoints": [0, 0, 0], "bbox": [10, 4, 6, 8]}
    first, _ = read(tmp_path, [unseen])
    assert len(first.points) == 0 and first.outlines[0].area.bounds == (9.5, 3.5, 15.5, 11.5)


def test_a_mask_of_another_size_than_its_image_is_refused(tmp_path):
    turned = {"image_id": 7, "segmentation": {"size": [40, 30], "counts": [100, 5, 1095]}}  # width, height
    with pytest.raises(ValueError, match=r"a\.json: a mask is 30 x 40 px and its image 40 x 30 px"):
        read(tmp_path, [turned])


def test_a_mask_says_the_size_of_an_image_that_says_none(tmp_path):
    _, second = read(tmp_path, [{"image_id": "x", "segmentation": {"size": [30, 40], "counts": [100, 5, 1095]}}])
    assert second.size == (30, 40)
