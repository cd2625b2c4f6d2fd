# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Padding, value ranges and norms that the networks share."""

from __future__ import annotations

import pytest
import torch

from bundle.networks.parts import PixelNorm, activate_hover_map, as_prediction, make_norm, pad_to_multiple, scale_image


def test_padding_reflects_where_the_image_is_large_enough() -> None:
    image = torch.arange(5.0).view(1, 1, 1, 5).expand(1, 1, 4, 5)
    padded = pad_to_multiple(image, 4, 4)
    assert padded.shape == (1, 1, 4, 8)
    assert padded[0, 0, 0].tolist() == [0, 1, 2, 3, 4, 3, 2, 1]


def test_padding_repeats_the_border_of_a_tiny_image() -> None:
    padded = pad_to_multiple(torch.tensor([[[[1.0, 2.0]]]]), 4, 8)
    assert padded.shape == (1, 1, 8, 8)
    assert padded[0, 0, 7].tolist() == [1, 2, 2, 2, 2, 2, 2, 2]


def test_padding_leaves_a_fitting_image_alone() -> None:
    image = torch.rand(1, 2, 8, 16)
    assert torch.equal(pad_to_multiple(image, 8, 8), image)


def test_hover_map_has_the_probability_of_m() -> None:
    prediction = torch.tensor([0.25, -0.5, 0.0]).view(1, 3, 1, 1)
    assert activate_hover_map(prediction).flatten().tolist() == [0.25, -0.5, 0.5]


def test_prediction_bounds_offsets_and_leaves_the_logit() -> None:
    features = torch.tensor([50.0, -50.0, 50.0]).view(1, 3, 1, 1)
    assert as_prediction(features).flatten().tolist() == [1.0, -1.0, 50.0]


def test_images_are_scaled_to_minus_one_and_one() -> None:
    assert scale_image(torch.tensor([0.0, 0.5, 1.0])).tolist() == [-1.0, 0.0, 1.0]


def test_pixel_norm_standardises_each_pixel_over_its_channels() -> None:
    features = torch.tensor([1.0, 3.0, 100.0, 300.0]).view(1, 2, 2, 1).transpose(1, 2)  # pixels (1, 3) and (100, 300)
    normed = PixelNorm(2)(features)[0, :, :, 0]
    torch.testing.assert_close(normed, torch.tensor([[-1.0, -1.0], [1.0, 1.0]]), atol=1e-4, rtol=0)


def test_an_unknown_norm_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"'spectral'.*batch, layer, instance, group, none"):
        make_norm("spectral", 8)
