# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Points to random blobs: ellipses whose outlines are wavy, for objects that no ellipse fits (METHOD section 2)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

from .area_laws import AreaLaw, Draw, uniform
from .ellipses import EllipseSampler


class BlobSampler(EllipseSampler):
    """Draws one star-convex blob per point: an ellipse of `EllipseSampler` with waves on its outline.

    Where the ellipse, by a linear map, is a circle of radius 1, the outline has the radius
    1 + sum of a_k cos(k phi + b_k), k = 2, 3, ..., with phi from the semi-major axis, a_k ~ U(0, A_k) and
    b_k ~ U(0, 2 pi). There its area is pi (1 + sum of a_k^2 / 2), and a linear map scales all areas alike; so the axes
    are divided by the root of that factor, and the area is exactly the law's. k = 1 would move the blob off its point.

    Args:
        law: the fitted area law.
        eccentricity: e0 and e1 of the ellipses, see `EllipseSampler`.
        amplitudes: A_2, A_3, ..., relative to the radius: elongation, triangles and squares by default, all small.
            Their sum is below 1, so that no outline reaches its centre.

    Raises:
        ValueError: the eccentricities or amplitudes are out of range.
    """

    def __init__(
        self,
        law: AreaLaw,
        eccentricity: tuple[float, float] = (0.3, 0.85),
        amplitudes: Sequence[float] = (0.12, 0.08, 0.05),
    ) -> None:
        super().__init__(law, eccentricity)
        if not (len(amplitudes) and min(amplitudes) >= 0 and sum(amplitudes) < 1):
            raise ValueError(f"amplitudes must be at least 0 and less than 1 in all, not {tuple(amplitudes)}")
        self.amplitudes = tuple(float(each) for each in amplitudes)

    def draw(self, points: torch.Tensor, draw_areas: Draw, generator: torch.Generator | None) -> torch.Tensor:
        """Blobs for all points of a whole image.

        Args:
            points: (N, 2), x and y in px.
            draw_areas: what the law has prepared for them.
            generator: where every random number comes from; None for torch's own.

        Returns:
            (N, 5 + 2K) float32 on the points' device: the ellipse (see `EllipseSampler`), K amplitudes a_k, and K
            phases b_k in rad, as `transforms.shapes.draw` takes them.
        """
        ellipses = super().draw(points, draw_areas, generator)
        count, waves = len(points), len(self.amplitudes)
        drawn = uniform(2 * count * waves, generator).to(points.device).view(2, count, waves)
        amplitudes = drawn[0] * torch.tensor(self.amplitudes, dtype=torch.float64, device=points.device)  # (N, K)
        ellipses[:, 2:4] /= torch.sqrt(1 + amplitudes.square().sum(1, keepdim=True) / 2)
        return torch.cat([ellipses, amplitudes.float(), 2 * math.pi * drawn[1].float()], 1)
