# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The Beta area law: areas that follow the local density of points, with constants measured on stained tissue."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy.special import betaincinv

from .laws import check_diameter, uniform

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

    def draw(self, points: torch.Tensor, generator: torch.Generator | None = None) -> torch.Tensor:
        """One area per point of a whole image: points (N, 2) px -> (N,) float64 px^2."""
        r = self.density(points).numpy()
        largest = 8000 * np.exp(-1300 * r) + 200
        mean = (1000 * np.exp(-1000 * r) + 100) / largest
        variance = (1.7e6 * np.exp(-2800 * r) + 100) / largest**2
        concentration = mean * (1 - mean) / variance - 1
        share = betaincinv(mean * concentration, (1 - mean) * concentration, uniform(len(r), generator).cpu().numpy())
        areas = share * largest * (self.diameter / REFERENCE_DIAMETER) ** 2
        return torch.from_numpy(np.asarray(areas)).to(points.device)
