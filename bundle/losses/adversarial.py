# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Least-squares adversarial losses with the paper's factor 1/2 (Mao et al. 2017; paper, equation 1).

monai.losses.PatchAdversarialLoss gives the same numbers without the 1/2 when told `no_activation_leastsq=True`: tested.
"""

from __future__ import annotations

from torch import Tensor, nn


class LeastSquares(nn.Module):
    """LSGAN: scores of real patches go to 1, of generated ones to 0; the generator wants 1."""

    def generator(self, scores: Tensor) -> Tensor:
        """1/2 mean (D(fake) - 1)^2 of scores (B, 1, h, w)."""
        return 0.5 * (scores.float() - 1).square().mean()

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """1/2 mean (D(real) - 1)^2 + 1/2 mean D(fake)^2 of scores (B, 1, h, w) each."""
        return 0.5 * (real.float() - 1).square().mean() + 0.5 * fake.float().square().mean()
