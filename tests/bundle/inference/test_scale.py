# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The scale of an image: stated in um or px, found by the image itself, and said where objects have another size."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.ndimage import label as components
from skimage.draw import disk

from bundle.data.diameters import Diameter
from bundle.inference.scale import Scale, find_spacing, parse_scale, usual_diameter, warn_other_size
from bundle.inference.segmenter import Segmentation, Segmenter
from transforms.resample import resample_image, resampled_size

STEP = 60  # px between the middles of discs


class DarkDiscs(Segmenter):
    """Finds dark discs of 3 to 12 um; larger ones fall into small pieces, smaller ones are not seen: as networks do."""

    def __init__(self, diameter=6.0):
        super().__init__(torch.nn.Conv2d(3, 3, 1), 0.5, 3, diameter=diameter)

    def __call__(self, image, mpp=None):
        own = (image.shape[1], image.shape[2])
        size = own if mpp is None else resampled_size(own, mpp, self.mpp)
        dark = resample_image(image, size).mean(0).numpy() < 0.5
        found, count = components(dark)
        areas = np.bincount(found.ravel(), minlength=count + 1)
        um = 2 * np.sqrt(areas / np.pi) * self.mpp
        found[(um < 3)[found]] = 0
        pieces = np.arange(found.size).reshape(found.shape) // 3 + 1  # 3 px each
        found = np.where((um > 12)[found] & (found > 0), pieces, found)
        at = [np.minimum((np.arange(n) + 0.5) * m / n, m - 1).astype(int) for n, m in zip(own, size, strict=True)]
        label = torch.from_numpy(found[np.ix_(*at)].astype(np.int32))[None]
        return Segmentation(label, (label > 0).float())


def discs(diameter, side=900):
    """Dark discs of a diameter, px, on white: float32 (3, side, side)."""
    image = np.ones((side, side), np.float32)
    for row in range(STEP // 2, side, STEP):
        for column in range(STEP // 2, side, STEP):
            image[disk((row, column), diameter / 2, shape=image.shape)] = 0
    return torch.from_numpy(image).expand(3, -1, -1).contiguous()


@pytest.mark.parametrize("diameter", [8, 12, 24, 40])
def test_the_scale_is_that_at_which_objects_have_the_models_size(diameter):
    assert find_spacing(DarkDiscs(), discs(diameter)) == pytest.approx(6 / diameter, rel=0.08)


def test_the_model_says_what_size_is_usual():
    assert find_spacing(DarkDiscs(9.0), discs(24)) == pytest.approx(9 / 24, rel=0.08)


def test_an_image_without_objects_has_no_scale():
    with pytest.raises(ValueError, match=r"fewer than 8 objects .*--diameter 24px"):
        find_spacing(DarkDiscs(), torch.ones(3, 300, 300))


def test_what_is_in_one_corner_alone_is_found():
    image = torch.ones(3, 1500, 1500)
    image[:, :360, :360] = discs(24, 360)
    assert find_spacing(DarkDiscs(), image) == pytest.approx(0.25, rel=0.08)


def test_a_diameter_in_px_needs_no_spacing():
    image = torch.zeros(3, 4, 4)
    for mpp in (None, 0.4):
        assert Scale(Diameter(24, "px")).shown_at(DarkDiscs(), image, mpp) == 0.25


def test_a_diameter_in_um_is_relative_to_the_models():
    image = torch.zeros(3, 4, 4)
    assert Scale(Diameter(12, "um")).shown_at(DarkDiscs(), image, 0.25) == 0.125
    with pytest.raises(ValueError, match="um per px is unknown: give mpp too, or the diameter in px"):
        Scale(Diameter(12, "um")).shown_at(DarkDiscs(), image, None)


def test_nothing_stated_is_the_images_own_spacing():
    for mpp in (None, 0.3):
        assert Scale().shown_at(DarkDiscs(), torch.zeros(3, 4, 4), mpp) == mpp


@pytest.mark.parametrize(
    ("mpp", "diameter", "read"),
    [
        (None, None, (None, Scale())),
        ("0.25", None, (0.25, Scale())),
        (" Auto ", None, (None, Scale(auto=True))),
        ("0.5", "9", (0.5, Scale(Diameter(9.0)))),
        (None, "24 px", (None, Scale(Diameter(24.0, "px")))),
    ],
)
def test_words_of_the_command_line(mpp, diameter, read):
    assert parse_scale(mpp, diameter) == read


@pytest.mark.parametrize(
    ("mpp", "diameter", "said"),
    [
        ("x", None, "mpp is 'x': give um per px, such as 0.25, or auto"),
        ("-1", None, "mpp"),
        ("nan", None, "mpp"),
        ("0.25", "small", "diameter is 'small'"),
        ("auto", "9", "either finds the scale"),
    ],
)
def test_what_is_no_scale_is_refused(mpp, diameter, said):
    with pytest.raises(ValueError, match=said):
        parse_scale(mpp, diameter)


def test_a_model_without_a_diameter_cannot_compare():
    with pytest.raises(ValueError, match="does not say for what diameter"):
        usual_diameter(DarkDiscs(None))


@pytest.mark.parametrize(("diameter", "factor"), [(24, None), (48, "2.0 times the 6 um"), (12, "0.5 times the 6 um")])
def test_another_size_is_said_with_the_factor(diameter, factor, caplog):
    area = np.full(30, np.pi * diameter**2 / 4)
    warn_other_size("a.png", area, 0.25, 6.0)
    assert (factor is None and not caplog.text) or (factor in caplog.text and "--mpp auto" in caplog.text)


def test_of_few_objects_nothing_is_said(caplog):
    warn_other_size("a.png", np.full(19, 2000.0), 0.25, 6.0)
    assert not caplog.text
