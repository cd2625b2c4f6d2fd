# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""ClassLoss: a known answer, torch's own cross-entropy, weights of pixels and of classes, and means per crop."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn.functional import cross_entropy

from bundle.losses.classes import ClassLoss
from transforms.maps.classes import class_map

ALIKE = (1.0, 1.0, 1.0)


def random_pair() -> tuple[torch.Tensor, torch.Tensor]:
    """Logits (3, 3, 12, 12) and a label (3, 1, 12, 12) of squares, the last crop empty."""
    drawn = torch.Generator().manual_seed(0)
    label = torch.randint(3, (3, 1, 3, 3), generator=drawn).repeat_interleave(4, 2).repeat_interleave(4, 3)
    label[2] = 0
    return torch.randn(3, 3, 12, 12, generator=drawn), label


def test_by_hand() -> None:
    label = torch.zeros(1, 1, 4, 4, dtype=torch.int32)
    label[..., 1:, :] = 1  # 4 px background, 4 boundary, 8 inside
    logits = torch.tensor([0.0, math.log(2), math.log(5)]).view(1, 3, 1, 1).expand(1, 3, 4, 4)  # 1/8, 2/8, 5/8
    expected = -(math.log(1 / 8) + 2 * math.log(2 / 8) + math.log(5 / 8)) / 4
    terms = ClassLoss(mpp=0.5, weights=ALIKE)(logits, label)
    assert list(terms) == ["cross_entropy"]
    assert terms["cross_entropy"].item() == pytest.approx(expected)


@pytest.mark.parametrize(("mpp", "boundary"), [(0.5, 1), (0.25, 2), (0.8, 1)])
def test_the_boundary_is_stated_in_um_and_never_below_a_pixel(mpp: float, boundary: float) -> None:
    logits, label = random_pair()
    expected = cross_entropy(logits, class_map(label, boundary)[:, 0])
    torch.testing.assert_close(ClassLoss(mpp, weights=ALIKE)(logits, label)["cross_entropy"], expected)


def test_a_perfect_prediction_costs_nothing() -> None:
    _, label = random_pair()
    perfect = 60 * torch.nn.functional.one_hot(class_map(label, 1)[:, 0], 3).movedim(3, 1).float()
    assert ClassLoss(0.5)(perfect, label)["cross_entropy"] < 1e-6


def test_classes_count_by_their_weights() -> None:
    logits, label = random_pair()
    weights = torch.tensor([1.0, 6.0, 16.0])
    alone = [cross_entropy(logits[i : i + 1], class_map(label[i : i + 1], 1)[:, 0], weights) for i in range(3)]
    for loss in (ClassLoss(0.5), ClassLoss(0.5, weights=[1, 6, 16])):
        torch.testing.assert_close(loss(logits, label)["cross_entropy"], torch.stack(alone).mean())


def test_pixels_of_weight_zero_do_not_count() -> None:
    logits, label = random_pair()
    weight = torch.ones(3, 1, 12, 12)
    weight[..., 5:] = 0
    other, loss = logits.clone(), ClassLoss(0.5, weights=[1, 2, 3])
    other[..., 5:] += torch.tensor([3.0, 0, 0]).view(3, 1, 1)
    torch.testing.assert_close(loss(other, label, weight), loss(logits, label, weight))
    assert loss(other, label) != loss(logits, label)


def test_a_weight_of_one_changes_nothing() -> None:
    logits, label = random_pair()
    torch.testing.assert_close(ClassLoss(0.5)(logits, label, torch.ones(3, 1, 12, 12)), ClassLoss(0.5)(logits, label))


def test_a_fully_ignored_crop_stays_finite() -> None:
    logits, label = random_pair()
    logits.requires_grad_()
    total = ClassLoss(0.5)(logits, label, torch.zeros(3, 1, 12, 12))["cross_entropy"]
    (gradient,) = torch.autograd.grad(total, logits)
    assert total == 0 and gradient.isfinite().all()


def test_half_precision_predictions_are_compared_in_single_precision() -> None:
    logits, label = random_pair()
    assert ClassLoss(0.5)(logits.bfloat16(), label)["cross_entropy"].dtype == torch.float32


def test_the_device_is_not_waited_for() -> None:
    logits = torch.zeros(2, 3, 16, 12, device="meta")
    label = torch.zeros(2, 1, 16, 12, dtype=torch.int32, device="meta")
    assert ClassLoss(0.25, weights=[1, 2, 3])(logits, label, logits[:, :1])["cross_entropy"].is_meta


def test_what_does_not_fit_is_refused() -> None:
    logits, label = random_pair()
    with pytest.raises(ValueError, match=r"\(3, 3, 12, 12\).*\(3, 1, 12, 9\)"):
        ClassLoss(0.5)(logits, label[..., :9])
    with pytest.raises(ValueError, match="mpp is 0"):
        ClassLoss(0)
    with pytest.raises(ValueError, match="one each"):
        ClassLoss(0.5, weights=[1, 2])
