# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""LSGAN with the paper's 1/2, against numbers worked by hand and MONAI's."""

from __future__ import annotations

import pytest
import torch
from monai.losses import PatchAdversarialLoss

from bundle.losses.adversarial import LeastSquares


def test_the_generator_wants_scores_of_one() -> None:
    assert LeastSquares().generator(torch.tensor([1.0, 3.0]).view(1, 1, 1, 2)).item() == pytest.approx(0.5 * 4 / 2)


def test_the_discriminator_wants_one_for_real_and_zero_for_fake() -> None:
    real, fake = torch.full((1, 1, 2, 2), 0.5), torch.full((1, 1, 2, 2), 2.0)
    assert LeastSquares().discriminator(real, fake).item() == pytest.approx(0.5 * 0.25 + 0.5 * 4)
    assert LeastSquares().discriminator(torch.ones(1, 1, 2, 2), torch.zeros(1, 1, 2, 2)).item() == 0


def test_it_is_half_of_monais() -> None:
    monai = PatchAdversarialLoss(criterion="least_squares", no_activation_leastsq=True)
    real, fake = torch.randn(2, 1, 5, 5), torch.randn(2, 1, 5, 5)
    discriminator = monai(real, target_is_real=True, for_discriminator=True) + monai(fake, False, True)
    torch.testing.assert_close(LeastSquares().discriminator(real, fake), 0.5 * discriminator)
    torch.testing.assert_close(LeastSquares().generator(fake), 0.5 * monai(fake, True, False))
