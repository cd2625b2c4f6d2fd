# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Points to random ellipses: the prior for what stands around a point before anything has been learnt.

Every use of an image draws its ellipses anew; ellipses belong to the whole image, crops are cut from them afterwards.
"""

from __future__ import annotations

import math
from functools import partial

import torch

from .area_laws import AreaLaw, Draw, TightAreaLaw, UniformAreaLaw, nearest_distances, uniform
from .beta_area_law import BetaAreaLaw

__all__ = ["BetaAreaLaw", "EllipseSampler", "TightAreaLaw", "UniformAreaLaw", "nearest_distances"]


class EllipseSampler:
    """Draws one ellipse per point: area by the law, orientation ~ U(0, pi), eccentricity ~ U(e0, e1).

    Args:
        law: the fitted area law.
        eccentricity: e0 and e1, 0 <= e0 <= e1 < 1; the ratio of the axes is sqrt(1 - e^2).

    Raises:
        ValueError: the eccentricities are out of order or range.
    """

    def __init__(self, law: AreaLaw, eccentricity: tuple[float, float] = (0.3, 0.85)) -> None:
        lowest, highest = eccentricity
        if not 0 <= lowest <= highest < 1:
            raise ValueError(f"eccentricity must hold 0 <= e0 <= e1 < 1, not {tuple(eccentricity)}")
        self.law = law
        self.eccentricity = (float(lowest), float(highest))

    def __call__(self, points: torch.Tensor, generator: torch.Generator | None = None) -> torch.Tensor:
        """Shapes for all points of a whole image.

        Args:
            points: (N, 2), x and y in px.
            generator: where every random number comes from; None for torch's own.

        Returns:
            As `draw`.
        """
        return self.prepare(points)(generator)

    def prepare(self, points: torch.Tensor) -> Draw:
        """What draws shapes for these points (N, 2), px, as often as asked; what is the same each time is done once."""
        return partial(self.draw, points, self.law.prepare(points))

    def draw(self, points: torch.Tensor, draw_areas: Draw, generator: torch.Generator | None) -> torch.Tensor:
        """Ellipses for all points of a whole image.

        Args:
            points: (N, 2), x and y in px.
            draw_areas: what the law has prepared for them.
            generator: where every random number comes from; None for torch's own.

        Returns:
            (N, 5) float32 on the points' device: x, y, semi-major and semi-minor axis in px, and the angle in rad, in
            [0, pi), from the x axis towards the y axis.
        """
        lowest, highest = self.eccentricity
        areas = draw_areas(generator)  # (N,) px^2
        angle = math.pi * uniform(len(points), generator).to(points.device)
        eccentricity = lowest + (highest - lowest) * uniform(len(points), generator).to(points.device)
        ratio = torch.sqrt(1 - eccentricity**2)  # (N,): semi-minor / semi-major
        major = torch.sqrt(areas / (math.pi * ratio))
        return torch.stack([points[:, 0].double(), points[:, 1].double(), major, ratio * major, angle], 1).float()
