# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""How far a set of synthetic images is from a set of real ones, told from their features (N, d): FID and KID.

Which network the features come from decides what the numbers mean, so the functions here bear neutral names. Real and
synthetic crops come from the same positions: row i of one set belongs to row i of the other.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

Features = np.ndarray | Tensor
Measure = Callable[[Tensor, Tensor, Tensor], float]  # real (N, d), synthetic (N, d), drawn rows (n,) -> distance
FEWEST_CROPS = 10  # below, a bootstrap sample is now and then one crop, repeated


class Spread(NamedTuple):
    """Mean and standard deviation (ddof 1) over the samples of a bootstrap."""

    mean: float
    sd: float


def frechet_distance(real: Features, synthetic: Features, drawn: Tensor | None = None) -> float:
    """Squared Frechet distance between Gaussians fitted to two sets (Heusel et al. 2017); over Inception features, FID.

    |m1 - m2|^2 + tr S1 + tr S2 - 2 tr (S1 S2)^(1/2), with covariances of ddof 1. With S = R^T R for each set, the
    last trace is the sum of the singular values of R1 R2^T: no root of a d x d matrix is taken, no ridge is added, and
    covariances of any rank, N < d included, are exact.

    The estimate is biased upwards, the more the smaller N is: compare distances of equal N only.

    Args:
        real: (N, d).
        synthetic: (M, d); M may differ from N where no rows are drawn.
        drawn: int64 (n,), the rows of both sets to use, which may repeat; None: every row once.

    Raises:
        ValueError: the sets are no (N, d) of finite numbers with the same d and at least two rows each.
    """
    first, second = _checked(real, synthetic)
    if drawn is not None:
        first, second = first[drawn], second[drawn]
    shift = first.mean(0) - second.mean(0)  # (d,)
    one, other = _covariance_root(first), _covariance_root(second)
    shared = torch.linalg.svdvals(one @ other.T).sum()  # tr (S1 S2)^(1/2)
    distance = shift.square().sum() + one.square().sum() + other.square().sum() - 2 * shared
    return max(float(distance), 0.0)  # rounding alone takes it below


def kernel_distance(
    real: Features,
    synthetic: Features,
    drawn: Tensor | None = None,
    *,
    generator: torch.Generator,
    subsets: int = 10,
    size: int = 1000,
) -> float:
    """Squared maximum mean discrepancy (Gretton et al. 2012), kernel (x.y / d + 1)^3; over Inception features, KID.

    The unbiased estimate for paired sets (their equation 4): the mean of k(x_i, x_j) + k(y_i, y_j) - k(x_i, y_j) -
    k(x_j, y_i) over pairs of different rows i, j, itself the mean over random subsets of the rows, drawn without
    replacement (Binkowski et al. 2018). Leaving out k(x_i, y_i) keeps crops of one position, which are not
    independent, from lowering it; the usual estimate, with them, expects the same for unpaired sets. It may be
    negative, and is 0 for equal sets.

    A row that is drawn twice is one crop: pairs of a row with itself are left out, wherever they stand in `drawn`.
    So the mean over bootstrap samples expects the distance of all rows, without bias.

    Args:
        real: (N, d).
        synthetic: (N, d).
        drawn: int64 (n,), the rows of both sets to use, which may repeat; None: every row once.
        generator: draws the subsets, on its own device; it is not used where all rows fit into one subset.
        subsets: how many.
        size: rows of a subset; where no more than this are drawn, they are the one subset.

    Raises:
        ValueError: the sets are not of one shape (N, d), or hold other than finite numbers, or two different rows
            cannot be drawn.
    """
    first, second = _checked(real, synthetic, paired=True)
    rows = (torch.arange(len(first)) if drawn is None else drawn).to(first.device)
    if len(rows) <= size:
        parts = [rows]
    else:
        parts = [rows[_order(len(rows), generator).to(rows.device)[:size]] for _ in range(subsets)]
    return sum(_discrepancy(first, second, part) for part in parts) / len(parts)


def bootstrap(
    real: Features, synthetic: Features, measure: Measure, generator: torch.Generator, repeats: int = 10
) -> Spread:
    """Mean and standard deviation of a measure over samples of the crops' positions, drawn with replacement.

    Real and synthetic crops of one position are drawn together. The mean is an unbiased estimate of the measure for
    `kernel_distance` only: a sample holds about 63 % of the crops, so the bias of `frechet_distance` for small N comes
    in a second time, and its mean tends to lie above the distance of all crops. The standard deviation takes crops as
    independent; those of one image are not quite.

    Args:
        real: (N, d).
        synthetic: (N, d), row i from the position of row i of `real`.
        measure: (real, synthetic, drawn rows) -> distance.
        generator: draws the rows.
        repeats: samples.

    Raises:
        ValueError: as the measures; fewer than ten rows; fewer than two repeats.
    """
    first, second = _checked(real, synthetic, paired=True)
    count = len(first)
    if count < FEWEST_CROPS:
        raise ValueError(f"{count} crops are too few to measure with: give at least {FEWEST_CROPS}, from more images")
    if repeats < 2:
        raise ValueError(f"repeats is {repeats}: a standard deviation needs at least 2")
    samples = [torch.randint(count, (count,), generator=generator, device=generator.device) for _ in range(repeats)]
    values = np.array([measure(first, second, drawn.to(first.device)) for drawn in samples])
    return Spread(float(values.mean()), float(values.std(ddof=1)))


def _covariance_root(features: Tensor) -> Tensor:
    """R (r, d) with R^T R the sample covariance of (N, d), r the smaller of N and d."""
    deviations = (features - features.mean(0)) / (len(features) - 1) ** 0.5
    return deviations if len(features) <= features.shape[1] else torch.linalg.qr(deviations, mode="r").R


def _discrepancy(real: Tensor, synthetic: Tensor, rows: Tensor) -> float:
    """The mean over pairs of rows (n,) that are different crops."""
    x, y = real[rows], synthetic[rows]  # (n, d)
    across = _kernel(x, y)
    terms = _kernel(x, x) + _kernel(y, y) - across - across.T  # (n, n)
    different = rows[:, None] != rows
    if not different.any():
        raise ValueError("the crops that were drawn are all the same one: draw from at least two")
    return float(terms[different].mean())


def _kernel(x: Tensor, y: Tensor) -> Tensor:
    """(n, d) and (m, d) to (n, m)."""
    return (x @ y.T / x.shape[1] + 1) ** 3


def _order(count: int, generator: torch.Generator) -> Tensor:
    return torch.randperm(count, generator=generator, device=generator.device)


def _checked(real: Features, synthetic: Features, paired: bool = False) -> tuple[Tensor, Tensor]:
    """Both sets as float64, where they are."""
    sets = {"real": torch.as_tensor(real).double(), "synthetic": torch.as_tensor(synthetic).double()}
    for name, features in sets.items():
        if features.ndim != 2 or len(features) < 2 or features.shape[1] < 1:
            raise ValueError(f"{name} features are {tuple(features.shape)}: give (N, d), at least two rows")
        if not features.isfinite().all():
            raise ValueError(f"{name} features hold values that are not finite: look at the images and the weights")
    first, second = sets["real"], sets["synthetic"]
    if first.shape[1] != second.shape[1] or (paired and len(first) != len(second)):
        shapes = f"{tuple(first.shape)} and {tuple(second.shape)}"
        raise ValueError(f"real and synthetic features are {shapes}: take both with one network, at the same positions")
    return first, second
