# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Objects of images: which region an object belongs to, and how it becomes an annotation or a mask."""

from __future__ import annotations

import itk
import numpy as np
import pytest
import tifffile
import torch
from PIL import Image

from bundle.annotations.formats.aperio import draw_outlines
from bundle.inference.model import ModelCard, save_model
from bundle.inference.segmenter import Segmentation
from bundle.label_server.annotation import as_annotation
from bundle.label_server.images import objects_of_label, owned, segment_image
from bundle.label_server.masks import mask_suffix, write_mask
from bundle.label_server.query import Query
from bundle.slides.grid import Box

LABEL = torch.zeros(1, 8, 12, dtype=torch.int32)
LABEL[0, 1:3, 1:5] = 1  # 4 x 2 px, centre at 2.5, 1.5
LABEL[0, 1:3, 5:7] = 2  # touches it
LABEL[0, 4:8, 6:12] = 3
LABEL[0, 5:7, 8:10] = 0  # a hole
FOUND = Segmentation(LABEL, LABEL.clamp(max=1).float() * 0.9)


def test_touching_objects_are_polygons_of_their_own_along_the_edges_of_their_pixels():
    annotation = as_annotation(objects_of_label(FOUND, 0.5, []), [])
    (element,) = annotation["elements"]
    assert element["label"] == "nuclei" and list(annotation["labels"]) == ["nuclei"]
    first, second, third = element["contours"]
    assert sorted(map(tuple, first)) == [(1, 1), (1, 3), (5, 1), (5, 3)]
    assert sorted(map(tuple, second)) == [(5, 1), (5, 3), (7, 1), (7, 3)]
    assert sorted(map(tuple, third)) == [(6, 4), (6, 8), (12, 4), (12, 8)]  # holes are filled
    assert annotation["location"] == [0, 0] and annotation["size"] == [0, 0]


def test_filling_the_polygons_gives_the_label_back():
    contours = as_annotation(objects_of_label(FOUND, None, []), [])["elements"][0]["contours"]
    drawn = draw_outlines([np.array(contour) - 0.5 for contour in contours], (8, 12))
    expected = LABEL.clone()
    expected[0, 5:7, 8:10] = 3
    assert torch.equal(drawn, expected)


def test_an_object_whose_pixels_touch_at_a_corner_alone_is_one_polygon():
    label = torch.zeros(1, 6, 8, dtype=torch.int32)
    label[0, 1, 1] = label[0, 2:5, 2:6] = 1
    contours = as_annotation(objects_of_label(Segmentation(label, label.float()), None, []), [])["elements"][0]
    assert [sorted(map(tuple, each)) for each in contours["contours"]] == [[(2, 2), (2, 5), (6, 2), (6, 5)]]


def test_an_object_is_of_the_region_that_holds_its_centre():
    left, right = [Box(0, 0, 3, 8)], [Box(3, 0, 12, 8)]  # the centre at 2.5 lies in pixel 3
    assert [item.id for item in objects_of_label(FOUND, 0.5, left)] == []
    assert [item.id for item in objects_of_label(FOUND, 0.5, right)] == [1, 2, 3]
    assert [item.id for item in objects_of_label(FOUND, 0.5, [Box(0, 0, 4, 8), Box(8, 0, 12, 8)])] == [1, 3]
    assert owned(np.zeros((0, 2)), left).shape == (0,)
    annotation = as_annotation(objects_of_label(FOUND, 0.5, left), left)
    assert annotation["elements"] == [] and annotation["location"] == [0, 0] and annotation["size"] == [3, 8]


def test_fewer_corners_where_they_are_asked_for():
    y, x = np.mgrid[:40, :40]
    disc = torch.from_numpy(((x - 20) ** 2 + (y - 20) ** 2 < 225).astype(np.int32))[None]
    found = Segmentation(disc, disc.float())
    exact, simple = (
        as_annotation(objects_of_label(found, None, []), [], tolerance)["elements"][0]["contours"][0]
        for tolerance in (0, 1)
    )
    assert len(simple) < len(exact) / 2
    with pytest.raises(ValueError, match="simplify is -1"):
        as_annotation([], [], -1)


def read(path):
    if path.name.endswith((".nrrd", ".nii.gz")):
        return itk.array_from_image(itk.imread(str(path)))[0]  # [slice, y, x]
    return np.asarray(Image.open(path)) if path.suffix == ".png" else tifffile.imread(path)


@pytest.mark.parametrize("suffix", [".png", ".tif", ".nrrd", ".nii.gz"])
def test_masks_hold_the_ids_past_8_bit_and_are_not_turned(tmp_path, suffix):
    path = tmp_path / f"mask{suffix}"
    label = LABEL * 300
    write_mask(path, label, 0.5)
    assert np.array_equal(read(path), label[0].numpy())


def test_the_ending_of_a_mask(tmp_path):
    for name, kind in (("a.jpg", "JPEG"), ("a.png", "PNG"), ("a.tif", "TIFF")):
        Image.new("RGB", (2, 2)).save(tmp_path / name, kind)
    jpeg, png, tiff = (tmp_path / name for name in ("a.jpg", "a.png", "a.tif"))
    assert [mask_suffix("", path, 9) for path in (jpeg, png, tiff)] == [".png", ".png", ".tif"]
    assert mask_suffix("", png, 70_000) == ".tif"
    assert mask_suffix(".NRRD", png, 9) == ".nrrd" and mask_suffix("nii.gz", png, 9) == ".nii.gz"
    with pytest.raises(ValueError, match=r"result_extension is '\.jpg': choose one of"):
        mask_suffix(".jpg", png, 9)
    with pytest.raises(ValueError, match="70000 objects do not fit a PNG"):
        mask_suffix(".png", png, 70_000)


def test_a_range_that_a_request_states_goes_before_that_of_the_model(tmp_path, untrained):
    """An untrained network: equal pictures give equal labels, others give others."""
    network = untrained(0)
    described = {"_target_": "bundle.networks.compact.Compact", "channels": [4, 8]}
    save_model(tmp_path / "model.pt", network, ModelCard(described, 0.5, intensity=(0, 1000)))
    pixels = np.random.default_rng(0).integers(0, 4096, (40, 40, 3)).astype(np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="rgb")

    def found(**stated):
        return segment_image(tmp_path / "a.tif", Query(tmp_path / "model.pt", 0.5, **stated))[0].probability

    whole, by_model = found(intensity=(0, 4095)), found()
    eight = (pixels / 4095).clip(0, 1).astype(np.float32)
    expected = Query(tmp_path / "model.pt", 0.5).segmenter()(torch.from_numpy(eight).movedim(-1, 0), 0.5).probability
    torch.testing.assert_close(whole, expected)
    assert not torch.equal(whole, by_model)
