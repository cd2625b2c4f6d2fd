# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Fully synthetic points (METHOD section 2): where the objects of an image might be that nobody has taken, at any size.

A hard-core process: points keep a spacing. Their density varies inside an image, as tissue does, and from image to
image; how much is estimated from the training points. All lengths are px at the spacing of the points.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from ..size import Size
from .area_laws import nearest_distances
from .density import estimate_contrast, estimate_density, levelled, smooth_noise
from .sequential_addition import Boxes, add_points, largest_density, throws_for

NEAREST = 5.0  # percentile of the nearest distances that is the spacing
CROWDED = 0.95  # of the largest density: no place is meant to be denser
ROUNDED = 1.0005  # the largest density may be asked for as the message rounds it


@dataclass(frozen=True)
class HardCorePoints:
    """Random sequential addition into a smooth random density.

    Whatever the contrast, every density up to the largest can be reached: no place is meant to be above 0.95 of what
    random placing can reach, and others make up for it, so the contrast flattens as an image fills.

    Args:
        correlation_length: of the density inside an image, px; structures of tissue are some 50 um wide.
        spacing: the smallest distance between two points, px; None: `fit` takes the 5th percentile of the nearest
            distances.
        density: points per px^2, the mean over images; None: `fit` estimates it.
        spread: standard deviation of the log of an image's density; None: `fit` estimates it.
        contrast: standard deviation of the log of the density inside an image, 0 = even; None: `fit` estimates it.

    Raises:
        ValueError: a number is out of range, or the density is more than random placing can reach; the message names
            the largest.
    """

    correlation_length: float
    spacing: float | None = None
    density: float | None = None
    spread: float | None = None
    contrast: float | None = None

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            positive = name in ("correlation_length", "spacing", "density")
            if value is not None and not (math.isfinite(value) and (value > 0 or value == 0 and not positive)):
                raise ValueError(f"{name} must be a number {'> 0' if positive else '>= 0'}, not {value!r}")
        if self.spacing is not None and self.density is not None:
            self.check_density(self.density)
        if self.spacing is not None and self.correlation_length < self.spacing:
            raise ValueError(
                f"a correlation length of {self.correlation_length:.4g} px is less than the spacing of points, "
                f"{self.spacing:.4g} px: nothing can vary so fast; check the unit"
            )

    def fit(self, points: Sequence[torch.Tensor], sizes: Sequence[Size]) -> HardCorePoints:
        """The same process with what it was not given estimated from the training points.

        Args:
            points: (N_i, 2) in px for each training image; distances never cross images.
            sizes: H and W of each, px.

        Raises:
            ValueError: no image has two points, too many points lie on others, or they are denser than random placing
                can be.
        """
        if len(points) != len(sizes):
            raise ValueError(f"points of {len(points)} images and sizes of {len(sizes)}: give both for every image")
        estimated: dict[str, float] = {}
        if self.density is None or self.spread is None:
            estimated["density"], estimated["spread"] = estimate_density([len(each) for each in points], sizes)
        if self.spacing is None:
            estimated["spacing"] = estimate_spacing(points)
        if self.contrast is None:
            estimated["contrast"] = estimate_contrast(points, sizes, self.correlation_length)
        return replace(self, **{name: value for name, value in estimated.items() if getattr(self, name) is None})

    @property
    def largest(self) -> float:
        """Points per px^2 that random placing reaches at the spacing."""
        return largest_density(self._known("spacing"))

    def check_density(self, density: float) -> None:
        """ValueError unless random placing can reach the density, points per px^2; the message names the largest."""
        if not 0 < density <= ROUNDED * self.largest:
            raise ValueError(
                f"a density of {density:.4g} points per px^2 is not possible: random placing {self.spacing:.4g} px "
                f"apart reaches at most {self.largest:.4g} per px^2; ask for fewer points or a smaller spacing"
            )

    def draw(self, size: Size, generator: torch.Generator, density: float | None = None) -> torch.Tensor:
        """The points of one image.

        Args:
            size: H and W, px.
            generator: where every random number comes from.
            density: points per px^2 of this image; None: drawn around the process's own, as far as it can be reached.

        Returns:
            (N, 2) float32 in no particular order, x in [-0.5, W - 0.5) and y in [-0.5, H - 0.5), no two nearer than the
            spacing. N is Poisson around density * H * W, unless the image is full before.

        Raises:
            ValueError: the size is not positive, the density cannot be reached, or something was never fitted.
        """
        if min(size) < 1:
            raise ValueError(f"there is no image of {size[1]} x {size[0]} px to draw points in: give a positive size")
        density = self._draw_density(generator) if density is None else density
        self.check_density(density)
        expected = torch.tensor(density * size[0] * size[1], dtype=torch.float64, device=generator.device)
        count = int(torch.poisson(expected, generator=generator))
        variation = np.exp(self._known("contrast") * smooth_noise(size, self.correlation_length, generator))
        share = levelled(variation, density / self.largest, CROWDED)  # (R, C): how full each place shall be
        boxes = Boxes.over(size, throws_for(share))
        return torch.from_numpy(add_points(boxes, self._known("spacing"), count, generator))

    def _draw_density(self, generator: torch.Generator) -> float:
        mean, spread = self._known("density"), self._known("spread")
        deviation = float(torch.randn(1, generator=generator, device=generator.device, dtype=torch.float64))
        return min(mean * math.exp(spread * deviation - spread**2 / 2), self.largest)

    def _known(self, name: str) -> float:
        value = getattr(self, name)
        if value is None:
            raise ValueError(f"HardCorePoints has no {name} yet: call fit(points of all training images), or give it")
        return float(value)


def estimate_spacing(points: Sequence[torch.Tensor]) -> float:
    """The 5th percentile, px, of the distances to the nearest point of the same image, over points (N_i, 2)."""
    distances = torch.cat([torch.empty(0), *(nearest_distances(each).cpu() for each in points)])
    distances = distances[torch.isfinite(distances)]
    if not len(distances):
        raise ValueError("the spacing of points cannot be estimated: no image has two of them; give the spacing")
    spacing = float(np.percentile(distances.numpy(), NEAREST))
    if spacing == 0:
        raise ValueError(
            f"the spacing of points cannot be estimated: {int((distances == 0).sum())} of {len(distances)} have the "
            "place of another; merge double clicks, or give the spacing"
        )
    return spacing
