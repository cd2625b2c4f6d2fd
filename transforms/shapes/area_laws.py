# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Area laws: how large the ellipse around a point may be, given how near its neighbours are.

A law knows one number that a user sets, the typical diameter of an object, and draws an area for every point of an
image. A configuration chooses between three classes: `UniformAreaLaw` (the default), `TightAreaLaw` (larger and less
varied) and `transforms.shapes.beta_area_law.BetaAreaLaw`, which has nothing to solve. All lengths are px at the
spacing of the points; areas are px^2; everything inside is float64.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ClassVar, Protocol

import numpy as np
import torch
from scipy.spatial import cKDTree

Draw = Callable[[torch.Generator | None], torch.Tensor]  # a generator (None: torch's own) to what is drawn from it
logger = logging.getLogger(__name__)

HALF_WAY = 0.5  # k with which an object reaches half way to its neighbour
LARGEST_K = 2.0  # b would be a disk that reaches twice as far as the neighbour: D was given in the wrong unit


class AreaLaw(Protocol):
    """What the ellipse sampler and the data loading ask of a law: a frozen dataclass with these methods.

    A law knows lengths in units of D alone: with points and D twice as large, areas are four times as large.
    """

    __dataclass_fields__: ClassVar[dict[str, Any]]  # so that `replace` takes it

    @property
    def diameter(self) -> float:
        """D, the typical diameter of an object, px."""

    def fit(self, points: Sequence[torch.Tensor]) -> AreaLaw:
        """The law with whatever it solves from the points (N_i, 2), px, of all training images."""

    def prepare(self, points: torch.Tensor) -> Draw:
        """What draws one area per point of a whole image, as often as asked: points (N, 2) px -> (N,) float64 px^2.

        All that depends on the points alone is worked out here, once.
        """

    def draw(self, points: torch.Tensor, generator: torch.Generator | None = None) -> torch.Tensor:
        """`prepare` and one draw."""


def nearest_distances(points: torch.Tensor) -> torch.Tensor:
    """Distance from each point to the nearest other point.

    Args:
        points: (N, 2), x and y in px.

    Returns:
        (N,) float64 in px, on the points' device; inf for a single point, 0 for a point given twice.
    """
    if len(points) < 2:
        return torch.full((len(points),), math.inf, dtype=torch.float64, device=points.device)
    coordinates = points.detach().cpu().double().numpy()
    distances, _ = cKDTree(coordinates).query(coordinates, k=2)  # (N, 2): itself, then the nearest other
    return torch.from_numpy(distances[:, 1].copy()).to(points.device)


@dataclass(frozen=True)
class UniformAreaLaw:
    """A ~ U(a, b(d)) with b(d) = clip(pi (k d)^2, a, A_max), a = A_D / 7, A_max = 2.8 A_D, A_D = pi D^2 / 4.

    d is the distance to the nearest other point, so that crowded objects stay small; one point alone has b = A_max,
    unless so many are alone in their image that no k is possible: then the mean area of these is A_D.

    Args:
        diameter: D, the typical diameter of an object, px at the working spacing.
        k: how much of the distance d an object may take, dimensionless; `fit` solves it from the training points.
        alone: b / A_D of a point that is alone in its image; None: A_max / A_D. `fit` sets it where it has to.

    Raises:
        ValueError: the diameter is not a positive number.
    """

    diameter: float
    k: float | None = None
    alone: float | None = None

    smallest: ClassVar[float] = 1 / 7  # a / A_D
    largest: ClassVar[float] = 2.8  # A_max / A_D
    weight_of_b: ClassVar[float] = 0.5  # the mean area is (1 - weight_of_b) a + weight_of_b b

    def __post_init__(self) -> None:
        check_diameter(self.diameter)

    @property
    def typical_area(self) -> float:
        """A_D, px^2."""
        return math.pi * self.diameter**2 / 4

    def upper_areas(self, distances: torch.Tensor) -> torch.Tensor:
        """b(d), px^2, for distances (N,) in px; ValueError before `fit`."""
        if self.k is None:
            raise ValueError(f"{type(self).__name__} has no k yet: call fit(points of all training images), or give k")
        free = math.pi * (self.k * distances.double()) ** 2
        upper = free.clamp(self.smallest * self.typical_area, self.largest * self.typical_area)
        return upper if self.alone is None else upper.where(distances.isfinite(), self.alone * self.typical_area)

    def lower_areas(self, upper: torch.Tensor) -> torch.Tensor:
        """The smallest area, px^2, of objects whose largest area is `upper` (N,)."""
        return torch.full_like(upper, self.smallest * self.typical_area)

    def prepare(self, points: torch.Tensor) -> Draw:
        """What draws one area per point of a whole image: points (N, 2) px -> (N,) float64 px^2."""
        upper = self.upper_areas(nearest_distances(points))  # (N,)
        return partial(uniform_between, self.lower_areas(upper), upper)

    def draw(self, points: torch.Tensor, generator: torch.Generator | None = None) -> torch.Tensor:
        """`prepare` and one draw."""
        return self.prepare(points)(generator)

    def fit(self, points: Sequence[torch.Tensor]) -> UniformAreaLaw:
        """The same law with k such that the expected area, averaged over all points, is A_D (bisection).

        Where too many points are alone in their image for that, these have the mean area A_D by the stated diameter,
        and k is solved for the others; where there are no others, an object may reach half way to a neighbour.

        Args:
            points: (N_i, 2) in px for each training image; distances never cross images.

        Raises:
            ValueError: there is no point, or no k in (0, 2] gives that mean; the message names the possible diameters.
        """
        distances = torch.cat([nearest_distances(each).cpu() for each in points]) if len(points) else torch.empty(0)
        if not len(distances):
            raise ValueError("an area law cannot be fitted without points: give at least one image with points")
        is_alone = distances.isinf()
        if not is_alone.any() or self._mean_area(distances.where(is_alone, 0.0).numpy()) <= 1:
            return self._fitted(distances)
        law = replace(self, alone=(1 - (1 - self.weight_of_b) * self.smallest) / self.weight_of_b)
        count = int(is_alone.sum())
        logger.warning(
            "%d of %d points are alone in their image: the stated diameter says how large", count, len(is_alone)
        )
        return replace(law, k=HALF_WAY) if is_alone.all() else law._fitted(distances[~is_alone])

    def _fitted(self, distances: torch.Tensor) -> UniformAreaLaw:
        largest_diameter = self._largest_diameter(distances.numpy())
        if self.diameter > largest_diameter:
            raise ValueError(
                f"a typical diameter of {self.diameter:g} px does not fit these {len(distances)} points: possible are "
                f"diameters up to {largest_diameter:.4g} px; check the unit, the spacing and double clicks"
            )
        return replace(self, k=LARGEST_K * self.diameter / largest_diameter)

    def _largest_diameter(self, distances: np.ndarray) -> float:
        """The D, px, whose k is LARGEST_K. The law knows k and D only as k / D, so this one root solves every D."""
        low, high = 1e-12, 1e12  # k / D in 1/px
        if self._mean_area(high * distances) < 1:
            raise ValueError(
                f"no typical diameter is possible: of {len(distances)} points {(distances == 0).sum()} have the place"
                " of another: merge double clicks"
            )
        for _ in range(200):
            middle = math.sqrt(low * high)
            low, high = (middle, high) if self._mean_area(middle * distances) < 1 else (low, middle)
        return LARGEST_K / high

    def _mean_area(self, reaches: np.ndarray) -> float:
        """The mean area in units of A_D; reaches (N,) are k d / D, how far objects may go in typical diameters."""
        upper = np.clip(4 * reaches**2, self.smallest, self.largest)
        return float(np.mean((1 - self.weight_of_b) * self.smallest + self.weight_of_b * upper))


@dataclass(frozen=True)
class TightAreaLaw(UniformAreaLaw):
    """A ~ U((a + b) / 2, b) with A_max = 1.5 A_D: less variety; it overlaps MoNuSeg's true outlines better.

    That was seen by looking at dense labels, so results with it must say so. Arguments as for `UniformAreaLaw`.
    """

    largest: ClassVar[float] = 1.5
    weight_of_b: ClassVar[float] = 0.75

    def lower_areas(self, upper: torch.Tensor) -> torch.Tensor:
        """(a + b) / 2, px^2."""
        return (self.smallest * self.typical_area + upper) / 2


def fit_in_diameters(law: AreaLaw, points: Sequence[torch.Tensor], diameters: Sequence[float]) -> AreaLaw:
    """The law fitted to images whose objects are of different size: one fit, in units of each image's own D.

    What a law solves is dimensionless, so for an image whose typical diameter is D the result with that D in place of
    its own, `dataclasses.replace(law, diameter=D)`, is the law of that image.

    Args:
        law: with the typical diameter of most images, px.
        points: (N_i, 2) in px for each training image.
        diameters: typical diameter of each, px.

    Raises:
        ValueError: as the law's `fit`.
    """
    return law.fit([each * (law.diameter / own) for each, own in zip(points, diameters, strict=True)])


def uniform(count: int, generator: torch.Generator | None) -> torch.Tensor:
    """(count,) float64 in [0, 1), on the generator's device."""
    device = "cpu" if generator is None else generator.device
    return torch.rand(count, generator=generator, dtype=torch.float64, device=device)


def uniform_between(lower: torch.Tensor, upper: torch.Tensor, generator: torch.Generator | None) -> torch.Tensor:
    """Numbers in [lower, upper), (N,) float64 each."""
    return lower + (upper - lower) * uniform(len(lower), generator).to(lower.device)


def check_diameter(diameter: float) -> None:
    """Raise ValueError unless the diameter is a positive, finite number of px."""
    if not (math.isfinite(diameter) and diameter > 0):
        raise ValueError(f"the typical diameter must be a positive number of px, not {diameter!r}")
