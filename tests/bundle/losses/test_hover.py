# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Every term of the hover loss, with numbers worked by hand."""

from __future__ import annotations

import math

import pytest
import torch
from monai.losses import DiceLoss
from monai.transforms import SobelGradients
from torch import Tensor

from bundle.losses.hover import HoverLoss, cross_entropy_loss, dice_loss, gradient_loss, offset_loss, sobel_gradients

TERMS = ("offset", "gradient", "dice", "cross_entropy")


def maps(h: Tensor | float = 0.0, v: Tensor | float = 0.0, m: Tensor | float = 0.0, size: int = 9) -> Tensor:
    """A map (1, 3, size, size) from what its channels hold."""
    return torch.stack([torch.as_tensor(channel).expand(size, size) for channel in (h, v, m)]).unsqueeze(0)


def ramp(slope: float, size: int = 9) -> Tensor:
    """(1, size), growing along x."""
    return slope * torch.arange(size).float().unsqueeze(0)


def random_pair(batch: int = 3, size: int = 12) -> tuple[Tensor, Tensor]:
    """A prediction and a hover map with different nuclear areas per crop."""
    drawn = torch.Generator().manual_seed(0)
    truth = torch.rand(batch, 3, size, size, generator=drawn)
    cut = torch.tensor([0.2, 0.5, 0.9]).view(3, 1, 1)
    truth[:, 2] = (truth[:, 2] < cut).float()
    return torch.randn(batch, 3, size, size, generator=drawn), truth


def test_offset_is_the_mean_square_over_both_channels_and_all_pixels() -> None:
    prediction, truth = maps(h=0.5, v=-0.25, m=7.0), maps(h=0.0, v=0.25, m=1.0)
    assert offset_loss(prediction, truth).item() == pytest.approx((0.25 + 0.25) / 2)


def test_offset_counts_background_too() -> None:
    prediction = maps()
    prediction[0, 0, 0, 0] = 1.0
    assert offset_loss(prediction, maps(m=0.0)).item() == pytest.approx(1 / (2 * 81))


def test_sobel_gradient_of_a_ramp_is_its_slope() -> None:
    gradients = sobel_gradients(maps(h=ramp(0.3), v=ramp(0.2).T)[:, :2])
    torch.testing.assert_close(gradients[0, 0, :, 2:-2], torch.full((9, 5), 0.3))  # d/dx of h, away from the sides
    torch.testing.assert_close(gradients[0, 1, 2:-2], torch.full((5, 9), 0.2))  # d/dy of v


def test_sobel_gradients_are_monais() -> None:
    offsets = torch.randn(3, 2, 11, 14)
    horizontal = SobelGradients(kernel_size=5, spatial_axes=1)(offsets[:, 0])
    vertical = SobelGradients(kernel_size=5, spatial_axes=0)(offsets[:, 1])
    torch.testing.assert_close(sobel_gradients(offsets), torch.stack([horizontal, vertical], dim=1).as_tensor())


def test_gradient_averages_over_both_directions_and_the_nuclear_pixels() -> None:
    nucleus = torch.zeros(9, 9)
    nucleus[3:6, 3:6] = 1
    prediction, truth = maps(h=ramp(0.4)), maps(h=ramp(0.1), m=nucleus)
    assert gradient_loss(prediction, truth).item() == pytest.approx(0.3**2 / 2)


def test_gradient_does_not_look_along_the_wrong_axis() -> None:
    swapped = maps(h=ramp(0.4).T, v=ramp(0.4))  # h varies along y, v along x: d/dx of h = d/dy of v = 0
    assert gradient_loss(swapped, maps(m=1.0)).item() == pytest.approx(0, abs=1e-12)


def test_gradient_ignores_errors_in_the_background() -> None:
    nucleus = torch.zeros(9, 9)
    nucleus[:, :2] = 1
    prediction = maps()
    prediction[0, 0, :, 6:] = 5.0  # more than two px away from the nucleus
    assert gradient_loss(prediction, maps(m=nucleus)).item() == 0


def test_gradient_of_a_crop_without_nuclei_is_zero() -> None:
    assert gradient_loss(maps(h=ramp(1.0)), maps()).item() == 0


def test_dice_of_even_chances_on_half_a_crop() -> None:
    nucleus = torch.zeros(4, 4)
    nucleus[:2] = 1  # 8 px; the prediction has probability 1/2 on 16 px: 2 * 4 / (8 + 8)
    assert dice_loss(maps(size=4), maps(m=nucleus, size=4)).item() == pytest.approx(0.5, abs=1e-5)


def test_dice_is_monais() -> None:
    prediction, truth = random_pair()
    monai = DiceLoss(sigmoid=True, smooth_nr=1e-5, smooth_dr=1e-5)(prediction[:, 2:], truth[:, 2:])
    torch.testing.assert_close(dice_loss(prediction, truth), monai)


def test_cross_entropy_by_hand() -> None:
    logit = math.log(3)  # probability 3/4
    nucleus = torch.zeros(4, 4)
    nucleus[0] = 1  # a quarter of the pixels
    expected = -(0.25 * math.log(0.75) + 0.75 * math.log(0.25))
    assert cross_entropy_loss(maps(m=logit, size=4), maps(m=nucleus, size=4)).item() == pytest.approx(expected)


def test_a_perfect_prediction_costs_nothing() -> None:
    _, truth = random_pair()
    perfect = torch.cat([truth[:, :2], 60 * truth[:, 2:] - 30], dim=1)
    terms = HoverLoss()(perfect, truth)
    assert tuple(terms) == TERMS
    assert max(value.item() for value in terms.values()) < 1e-6


@pytest.mark.parametrize("term", TERMS)
def test_a_batch_costs_the_mean_of_its_crops(term: str) -> None:
    prediction, truth = random_pair()
    loss = HoverLoss()
    alone = [loss(prediction[i : i + 1], truth[i : i + 1])[term] for i in range(3)]
    torch.testing.assert_close(loss(prediction, truth)[term], torch.stack(alone).mean())


@pytest.mark.parametrize("term", TERMS)
def test_a_weight_of_one_changes_nothing(term: str) -> None:
    prediction, truth = random_pair()
    weighted = HoverLoss()(prediction, truth, torch.ones(3, 1, 12, 12))[term]
    torch.testing.assert_close(weighted, HoverLoss()(prediction, truth)[term])


@pytest.mark.parametrize("term", TERMS)
def test_pixels_of_weight_zero_do_not_count(term: str) -> None:
    prediction, truth = random_pair()
    weight = torch.ones(3, 1, 12, 12)
    weight[..., 5:] = 0
    other, other_truth = prediction.clone(), truth.clone()
    other[..., 7:] += 3  # the gradient's filter reaches two px
    other_truth[:, 2, :, 7:] = 1 - other_truth[:, 2, :, 7:]
    loss = HoverLoss()
    torch.testing.assert_close(loss(other, other_truth, weight)[term], loss(prediction, truth, weight)[term])
    assert not torch.isclose(loss(other, other_truth)[term], loss(prediction, truth)[term])


def test_an_empty_crop_and_a_fully_ignored_one_stay_finite() -> None:
    prediction = (40 * torch.randn(1, 3, 8, 8)).requires_grad_()
    for weight in (None, torch.zeros(1, 1, 8, 8)):
        total = torch.stack(list(HoverLoss()(prediction, maps(size=8), weight).values())).sum()
        (gradient,) = torch.autograd.grad(total, prediction)
        assert total.isfinite() and gradient.isfinite().all()


def test_half_precision_predictions_are_compared_in_single_precision() -> None:
    prediction, truth = random_pair()
    terms = HoverLoss()(prediction.bfloat16(), truth)
    assert {value.dtype for value in terms.values()} == {torch.float32}


def test_maps_of_different_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match=r"\(1, 3, 8, 8\).*\(1, 3, 9, 9\)"):
        HoverLoss()(maps(size=8), maps(size=9))
