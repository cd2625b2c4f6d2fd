# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The Beta area law: areas that follow the local density of points, with constants measured on stained tissue."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from scipy.special import betaincinv

from .area_laws import Draw, check_diameter, uniform

REFERENCE_DIAMETER = 24.0  # px: 6 um at 0.25 um per px, where the constants hold
DENSITY_WIDTH = 20.0  # px at the reference: standard deviation of the Gaussian that measures density


@dataclass(frozen=True)
class BetaAreaLaw:
    """A ~ Beta on [0, M] whose mean and variance fall with the density r of points around each point.

    M = 8000 exp(-1300 r) + 200, mean 1000 exp(-1000 r) + 100, variance 1.7e6 exp(-2800 r) + 100, in px^2 at 0.25 um
    per px; r is the sum over all points, the point itself included, of a normalised Gaussian of 20 px. Lengths scale
    with D / 6 um, so the mean area is what the density makes it, not A_D.

    Args:
        diameter: D, px at the working spacing.

    Raises:
        ValueError: the diameter is not a positive number.
    """

    diameter: float

    def __post_init__(self) -> None:
        check_diameter(self.diameter)

    def fit(self, points: Sequence[torch.Tensor]) -> BetaAreaLaw:
        """Itself: this law has nothing to solve."""
        return self

    def density(self, points: torch.Tensor) -> torch.Tensor:
        """r (N,), objects per px^2 at the reference scale, for points (N, 2) in px."""
        place = points.double().cpu() * (REFERENCE_DIAMETER / self.diameter)
        sums = [(-(torch.cdist(part, place) ** 2) / (2 * DENSITY_WIDTH**2)).exp().sum(1) for part in place.split(1024)]
        return torch.cat(sums) / (2 * math.pi * DENSITY_WIDTH**2) if sums else place.new_zeros(0)

    def prepare(self, points: torch.Tensor) -> Draw:
        """What draws one area per point of a whole image: points (N, 2) px -> (N,) float64 px^2."""
        r = self.density(points).numpy()
        largest = 8000 * np.exp(-1300 * r) + 200
        mean = (1000 * np.exp(-1000 * r) + 100) / largest
        variance = (1.7e6 * np.exp(-2800 * r) + 100) / largest**2
        concentration = mean * (1 - mean) / variance - 1
        scale = (self.diameter / REFERENCE_DIAMETER) ** 2
        bound = torch.from_numpy(largest).to(points.device)
        return partial(beta_distributed, mean * concentration, (1 - mean) * concentration, bound, scale)

    def draw(self, points: torch.Tensor, generator: torch.Generator | None = None) -> torch.Tensor:
        """`prepare` and one draw."""
        return self.prepare(points)(generator)


def beta_distributed(
    a: np.ndarray, b: np.ndarray, largest: torch.Tensor, scale: float, generator: torch.Generator | None
) -> torch.Tensor:
    """Numbers in [0, scale * largest]: (N,) each, a and b being the parameters of their Beta distributions."""
    share = betaincinv(a, b, uniform(len(a), generator).cpu().numpy())  # (N,), the quantile function
    return torch.from_numpy(np.asarray(share)).to(largest.device) * largest * scale
