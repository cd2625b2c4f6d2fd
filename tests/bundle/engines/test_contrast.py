# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Contrast by hand, and where it is called inverted or lost."""

from __future__ import annotations

import math

import pytest
import torch

from bundle.engines.contrast import ContrastInversion, UnseenMasks
from bundle.engines.panel import PanelState


def look_at(real, painted):
    """Two crops of 4 x 4 px: a point, its object of 2 x 2 px, and ground; one level each for point and ground."""
    point_map, hover_map = torch.zeros(2, 1, 4, 4), torch.zeros(2, 3, 4, 4)
    point_map[0, 0, 1, 1], hover_map[0, 2, 1:3, 1:3] = 1, 1

    def image(point, ground):
        image = torch.full((2, 3, 4, 4), ground)
        image[:, :, 1:3, 1:3] = 0.77  # of the object beside its point: neither point nor ground
        image[0, :, 1, 1] = point
        image[1] = ground
        return image

    pictures = {"image": image(*real), "synthetic_image": image(*painted)}
    return PanelState(7, {"point_map": point_map, "hover_map": hover_map}, pictures, None)


def test_contrast_by_hand():
    numbers = ContrastInversion().measure(look_at((0.3, 0.8), (0.9, 0.5)), {})
    assert numbers == pytest.approx({"contrast_real": -0.5, "contrast_synthetic": 0.4})


def test_contrast_is_that_of_luminance():
    look = look_at((0.5, 0.5), (0.5, 0.5))
    look.pictures["image"][0, :, 1, 1] = torch.tensor([0.2, 0.5, 0.5])
    assert ContrastInversion().measure(look, {})["contrast_real"] == pytest.approx(-0.1)


@pytest.mark.parametrize("brightness", ["bright", "dark"])
@pytest.mark.parametrize(
    ("real", "painted", "found"), [(0.2, -0.051, True), (0.2, -0.049, False), (0.2, 0.0, False), (0.029, -0.5, False)]
)
def test_inversion_of_dark_and_of_bright_objects_alike(brightness, real, painted, found):
    sign = 1 if brightness == "bright" else -1
    numbers = {"contrast_real": sign * real, "contrast_synthetic": sign * painted}
    text = ContrastInversion().judge(numbers, 1.0)
    assert bool(text) == found
    if found:
        words = ("brighter", "darker") if brightness == "bright" else ("darker", "brighter")
        assert text.startswith(f"real images are {words[0]} at the points")
        assert f"painted ones {words[1]} ({sign * painted:+.2f}, warned of beyond {-sign * 0.05:+.2f})" in text


def test_crops_without_points_have_no_contrast():
    look = look_at((0.3, 0.8), (0.9, 0.5))
    look.batch["point_map"].zero_()
    for check in (ContrastInversion(), UnseenMasks()):
        numbers = check.measure(look, {})
        assert all(math.isnan(value) for value in numbers.values())
        assert check.judge(numbers, 1.0) == ""


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(
    ("real", "painted", "found"),
    [(0.2, 0.049, True), (0.2, -0.049, True), (0.2, 0.051, False), (0.2, -0.051, False), (0.029, 0.0, False)],
)
def test_masks_do_not_show_where_there_is_hardly_any_contrast(sign, real, painted, found):
    text = UnseenMasks().judge({"contrast_real": sign * real, "contrast_synthetic": sign * painted}, 0.25)
    assert bool(text) == found
    if found:
        assert f"({sign * painted:+.2f} of 1, warned of within 0.05 of 0; real ones {sign * real:+.2f})" in text


def test_a_young_generator_may_show_nothing_yet():
    numbers = {"contrast_real": -0.2, "contrast_synthetic": 0.0}
    assert UnseenMasks().judge(numbers, 0.24) == "" and UnseenMasks(after=0.1).judge(numbers, 0.24)


def test_bounds_are_arguments():
    inverted = {"contrast_real": 0.2, "contrast_synthetic": -0.2}
    assert (
        ContrastInversion(faintest=0.3).judge(inverted, 1.0) == ContrastInversion(share=1.5).judge(inverted, 1.0) == ""
    )
    faint = {"contrast_real": 0.2, "contrast_synthetic": 0.1}
    assert UnseenMasks().judge(faint, 1.0) == "" and UnseenMasks(share=0.6).judge(faint, 1.0)
    assert UnseenMasks(faintest=0.3, share=0.6).judge(faint, 1.0) == ""


def test_images_without_any_contrast_are_not_judged():
    for check in (ContrastInversion(faintest=0.0), UnseenMasks(faintest=0.0)):
        assert check.judge({"contrast_real": 0.0, "contrast_synthetic": 0.0}, 1.0) == ""
