# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Point and background loss, with numbers worked by hand."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from bundle.losses.points import BackgroundLoss, PointLoss


def prediction_of(logits: Tensor) -> Tensor:
    """(B, H, W) logits of m as a prediction (B, 3, H, W) with arbitrary offsets."""
    return torch.stack([torch.full_like(logits, 9.0), torch.full_like(logits, -9.0), logits], dim=1)


def test_it_is_minus_log_m_averaged_over_the_marked_pixels() -> None:
    logits = torch.tensor([[0.0, math.log(3)], [-50.0, -50.0]]).unsqueeze(0)  # m = 1/2, 3/4, 0, 0
    points = torch.tensor([[1.0, 1.0], [0.0, 0.0]]).view(1, 1, 2, 2)
    expected = -(math.log(0.5) + math.log(0.75)) / 2
    assert PointLoss()(prediction_of(logits), points).item() == pytest.approx(expected)


def test_a_crop_with_many_points_weighs_as_much_as_one_with_few() -> None:
    logits = torch.zeros(2, 2, 2)
    logits[1] = math.log(3)
    points = torch.tensor([[1.0, 0, 0, 0], [1.0, 1, 1, 1]]).view(2, 1, 2, 2)
    assert PointLoss()(prediction_of(logits), points).item() == pytest.approx((math.log(2) + math.log(4 / 3)) / 2)


def test_a_crop_without_points_contributes_zero() -> None:
    points = torch.zeros(2, 1, 2, 2)
    points[0, 0, 0, 0] = 1
    assert PointLoss()(prediction_of(torch.zeros(2, 2, 2)), points).item() == pytest.approx(math.log(2) / 2)


def test_a_batch_without_points_is_zero_with_a_zero_gradient() -> None:
    prediction = torch.randn(1, 3, 4, 4, requires_grad=True)
    loss = PointLoss()(prediction, torch.zeros(1, 1, 4, 4))
    loss.backward()
    assert loss.item() == 0
    assert prediction.grad is not None and (prediction.grad == 0).all()


@pytest.mark.parametrize("logit", [-1e4, 1e4])
def test_extreme_logits_stay_finite_and_keep_their_gradient(logit: float) -> None:
    prediction = torch.full((1, 3, 1, 1), logit, requires_grad=True)
    loss = PointLoss()(prediction, torch.ones(1, 1, 1, 1))
    loss.backward()
    assert loss.item() == pytest.approx(max(-logit, 0))
    assert prediction.grad is not None
    assert prediction.grad[0, :, 0, 0].tolist() == [0, 0, -1 if logit < 0 else 0]


# Background


def test_background_is_minus_log_of_one_minus_m_averaged_over_what_no_object_can_reach() -> None:
    logits = torch.full((1, 7, 9), 40.0)  # m = 1, wherever it must not count
    logits[0, 2:5, 2:7] = torch.tensor(
        [[40.0, 40.0, 0.0, 0.0, 0.0], [40.0, 40.0, 0.0, math.log(3), 0.0], [40.0, 40.0, 0.0, 0.0, -50.0]]
    )
    points = torch.zeros(1, 1, 7, 9)
    points[0, 0, 3, 1] = 1  # within 2 px of columns 0 to 3; the border takes 2 px on each side
    expected = (7 * math.log(2) + math.log(4) + 0) / 9
    assert BackgroundLoss(2.0)(prediction_of(logits), points).item() == pytest.approx(expected)


@pytest.mark.parametrize(("distance", "reach"), [(2.4, 2), (2.6, 3)])
def test_no_gradient_reaches_the_points_their_surroundings_and_the_border(distance: float, reach: int) -> None:
    prediction = torch.randn(2, 3, 20, 24, requires_grad=True)
    points = torch.zeros(2, 1, 20, 24)
    points[0, 0, 10, 8] = points[1, 0, 4, 20] = points[1, 0, 5, 20] = 1
    BackgroundLoss(distance)(prediction, points).backward()
    y, x = torch.meshgrid(torch.arange(20), torch.arange(24), indexing="ij")
    inner = (y >= reach) & (y < 20 - reach) & (x >= reach) & (x < 24 - reach)
    first = inner & ~(((y - 10).abs() <= reach) & ((x - 8).abs() <= reach))
    second = inner & ~((y >= 4 - reach) & (y <= 5 + reach) & ((x - 20).abs() <= reach))
    assert prediction.grad is not None
    assert not prediction.grad[:, :2].any()
    assert torch.equal(prediction.grad[:, 2] > 0, torch.stack([first, second]))  # and it lowers m everywhere else


def test_background_of_a_crowded_crop_weighs_as_much_as_that_of_an_empty_one() -> None:
    logits = torch.zeros(2, 12, 12)
    logits[1] = math.log(3)
    points = torch.zeros(2, 1, 12, 12)
    points[0, 0, ::12, 3:] = 1
    points[0, 0, 4:, ::11] = 1
    expected = (math.log(2) + math.log(4)) / 2
    assert BackgroundLoss(1.0)(prediction_of(logits), points).item() == pytest.approx(expected)


@pytest.mark.parametrize("size", [(4, 30), (30, 4), (1, 1), (2, 3)])
@pytest.mark.parametrize("distance", [2.0, 50.0])
def test_a_crop_too_small_to_hold_sure_background_gives_zero(size: tuple[int, int], distance: float) -> None:
    prediction = torch.randn(1, 3, *size, requires_grad=True)
    loss = BackgroundLoss(distance)(prediction, torch.zeros(1, 1, *size))
    loss.backward()
    assert loss.item() == 0 and prediction.grad is not None and not prediction.grad.any()


def test_the_smallest_crop_that_holds_sure_background_has_one_such_pixel() -> None:
    logits = torch.arange(25.0).view(1, 5, 5)
    loss = BackgroundLoss(2.0)(prediction_of(logits), torch.zeros(1, 1, 5, 5))
    assert loss.item() == pytest.approx(math.log1p(math.exp(12)))  # the middle one


@pytest.mark.parametrize("logit", [-1e4, 1e4])
def test_background_of_extreme_logits_stays_finite_and_keeps_its_gradient(logit: float) -> None:
    prediction = torch.full((1, 3, 3, 3), logit, requires_grad=True)
    loss = BackgroundLoss(1.0)(prediction, torch.zeros(1, 1, 3, 3))
    loss.backward()
    assert loss.item() == pytest.approx(max(logit, 0))
    assert prediction.grad is not None and prediction.grad[0, 2, 1, 1].item() == (1 if logit > 0 else 0)
