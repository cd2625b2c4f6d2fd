# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Resampling: one geometry for images, points and labels."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from monai.data import MetaTensor

from transforms.random_streams import generator
from transforms.resample import (
    ResampleToSpacingd,
    RestoreSized,
    resample_image,
    resample_label,
    resample_points,
    resampled_size,
)


def test_sizes_round_half_up_and_never_vanish():
    assert resampled_size((1000, 999), 0.25, 0.5) == (500, 500)
    assert resampled_size((1, 2), 0.1, 1.0) == (1, 1)
    assert resampled_size((100, 100), 0.5, 0.25) == (200, 200)


@pytest.mark.parametrize("spacing", [0, -0.5, math.nan, math.inf])
def test_a_spacing_that_is_no_positive_number_is_refused(spacing):
    with pytest.raises(ValueError, match="spacing"):
        resampled_size((10, 10), spacing, 0.5)
    with pytest.raises(ValueError, match="spacing"):
        resampled_size((10, 10), 0.5, spacing)


def test_points_by_hand():
    points = torch.tensor([[0.0, 0.0], [-0.5, 9.5], [0.5, 2.5]])
    assert resample_points(points, (10, 10), (5, 5)).tolist() == [[-0.25, -0.25], [-0.5, 4.5], [0, 1]]


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 60), st.integers(1, 60), st.integers(1, 60), st.integers(1, 60), st.integers(0, 10**6))
def test_points_return(height, width, new_height, new_width, seed):
    points = torch.rand(20, 2, generator=generator(seed)) * torch.tensor([width, height]) - 0.5
    there = resample_points(points, (height, width), (new_height, new_width))
    back = resample_points(there, (new_height, new_width), (height, width))
    torch.testing.assert_close(back, points, rtol=1e-5, atol=1e-4)


def test_an_image_keeps_its_mean_when_halved_and_its_points_stay_on_their_blobs():
    row, column = torch.meshgrid(torch.arange(64.0), torch.arange(96.0), indexing="ij")
    blob = torch.exp(-((column - 30.3) ** 2 + (row - 40.8) ** 2) / 50)[None]
    for size in ((32, 48), (43, 64), (128, 192), (21, 33)):
        found = resample_image(blob, size)[0].double()
        y, x = torch.meshgrid(torch.arange(size[0]), torch.arange(size[1]), indexing="ij")
        centre = torch.stack([(found * x).sum(), (found * y).sum()]) / found.sum()
        expected = resample_points(torch.tensor([[30.3, 40.8]]), (64, 96), size)[0].double()
        torch.testing.assert_close(centre, expected, rtol=0, atol=0.02)
        assert found.mean().item() == pytest.approx(blob.mean().item(), rel=0.02)


def test_fine_stripes_turn_grey_instead_of_aliasing():
    stripes = (torch.arange(90) % 3 == 0).float().expand(1, 30, 90)
    found = resample_image(stripes, (10, 30))
    torch.testing.assert_close(found[..., 2:-2], torch.full((1, 10, 26), 1 / 3), rtol=0, atol=1e-3)


def test_batches_and_equal_sizes():
    batch = torch.rand(2, 3, 8, 10, generator=generator(0))
    found = resample_image(batch, (5, 7))
    assert found.shape == (2, 3, 5, 7)
    torch.testing.assert_close(found[1], resample_image(batch[1], (5, 7)))
    assert torch.equal(resample_image(batch, (8, 10)), batch)


def test_a_label_takes_the_id_at_each_pixels_centre():
    label = torch.arange(6, dtype=torch.int32)[None, None]
    assert resample_label(label, (1, 2)).tolist() == [[[1, 4]]]  # centres at 1 and 4
    assert resample_label(label, (1, 12)).tolist() == [[[0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5]]]


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 4))
def test_a_label_enlarged_by_a_whole_number_returns(height, width, factor):
    label = torch.randint(0, 2**30, (1, height, width), generator=generator(height, width), dtype=torch.int32)
    large = resample_label(label, (height * factor, width * factor))
    assert large.dtype == torch.int32
    assert torch.equal(resample_label(large, (height, width)), label)


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40))
def test_label_and_points_agree(old, new):
    """The old pixel that a new pixel shows is the one that the new pixel's centre lies in."""
    label = torch.arange(old, dtype=torch.int32)[None, None]
    centres = torch.stack([torch.arange(new), torch.zeros(new)], 1).double()
    expected = torch.floor(resample_points(centres, (1, new), (1, old))[:, 0] + 0.5 + 1e-9)
    assert resample_label(label, (1, new)).flatten().tolist() == expected.tolist()


def test_dictionary_form_and_back():
    data = {
        "image": MetaTensor(torch.rand(3, 20, 30, generator=generator(1)), meta={"name": "a"}),
        "points": np.array([[0.5, 2.5]], dtype=np.float32),
        "label": torch.ones(1, 20, 30, dtype=torch.int32),
        "mpp": 0.25,
    }
    there = ResampleToSpacingd("image", 0.5, points_keys="points", label_keys="label")(data)
    assert there["image"].shape == (3, 10, 15) and there["image"].meta["name"] == "a"
    assert there["points"].tolist() == [[0, 1]] and there["points"].dtype == torch.float32  # they know their image
    assert there["label"].shape == (1, 10, 15) and there["label"].dtype == torch.int32
    assert there["mpp"] == 0.5 and there["original_size"] == (20, 30) and data["mpp"] == 0.25
    assert RestoreSized("label")(there)["label"].shape == (1, 20, 30)


def test_an_unknown_spacing_leaves_everything_as_it_is():
    data = {"image": torch.rand(1, 4, 4), "points": torch.ones(1, 2), "mpp": None}
    found = ResampleToSpacingd("image", 0.5, points_keys="points")(data)
    assert torch.equal(found["image"], data["image"]) and torch.equal(found["points"], data["points"])
    assert found["mpp"] is None
