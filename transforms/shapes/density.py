# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""How the density of objects varies: from image to image, and inside an image as a smooth random field.

The log of the density is Gaussian in either case. Inside an image two places at a distance r have the correlation
exp(-r^2 / (2 l^2)), where l is the correlation length, px. Both standard deviations are estimated from points by
moments, as for a log-Gaussian Cox process (Moller, Syversveen and Waagepetersen, Scand. J. Statist. 25, 451, 1998).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import convolve1d
from scipy.optimize import brentq

from ..pixel_centres import to_corner
from ..size import Size

Floats = NDArray[np.floating]
BOXES = 4  # boxes of even density along a correlation length
ADJACENT = math.exp(-1 / 6)  # mean correlation over two adjacent squares of half a correlation length


def estimate_density(counts: Sequence[int], sizes: Sequence[Size]) -> tuple[float, float]:
    """Mean density of images and how it is spread, from the number of points in each image and its H and W, px.

    Returns:
        Points per px^2, and the standard deviation of the log of an image's density beyond what chance explains.

    Raises:
        ValueError: there is no point.
    """
    if not sum(counts):
        raise ValueError("a density cannot be estimated without points: give at least one image with points")
    areas = np.array([height * width for height, width in sizes], float)
    each = np.array(counts) / areas  # (I,)
    mean = float(np.sum(counts) / areas.sum())
    chance = float(np.mean(mean / areas))  # variance of Poisson counts over their areas
    variance = max(float(each.var(ddof=1)) - chance, 0) if len(each) > 1 else 0.0
    return mean, math.sqrt(math.log1p(variance / mean**2))


def estimate_contrast(points: Sequence[torch.Tensor], sizes: Sequence[Size], correlation_length: float) -> float:
    """Standard deviation of the log of the density inside images, from counts in adjacent squares.

    Squares are half a correlation length wide. Chance and a small spacing make the count of one square vary, but hardly
    two of them together: the covariance of their counts is m^2 (exp(rho c^2) - 1), with m the mean count, c the
    contrast and rho the mean correlation.

    Args:
        points: (N_i, 2) in px for each image. One of less than two squares each way tells nothing.
        sizes: H and W of each, px.
        correlation_length: px.
    """
    side = correlation_length / 2
    covariance = pairs = 0.0
    for each, (height, width) in zip(points, sizes, strict=True):
        rows, columns = int(height / side), int(width / side)
        if min(rows, columns) < 2:
            continue
        x, y = to_corner(each.cpu().numpy()).T
        counts = np.histogram2d(y, x, (rows, columns), ((0, height), (0, width)))[0]
        off = counts - counts.mean()
        covariance += (off[1:] * off[:-1]).sum() + (off[:, 1:] * off[:, :-1]).sum()
        pairs += counts.mean() ** 2 * (off[1:].size + off[:, 1:].size)
    return math.sqrt(math.log1p(max(covariance / pairs, 0)) / ADJACENT) if pairs else 0.0


def smooth_noise(size: Size, correlation_length: float, generator: torch.Generator) -> Floats:
    """A Gaussian field (R, C) of mean 0 and variance 1 over an image, in boxes of a quarter of the correlation length.

    White noise under a Gaussian of standard deviation l / sqrt 2 has the correlation exp(-r^2 / (2 l^2)).
    """
    deviation = BOXES / math.sqrt(2)  # in boxes
    reach = math.ceil(4 * deviation)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / deviation) ** 2)
    shape = [math.ceil(BOXES * length / correlation_length) + 2 * reach for length in size]
    noise = torch.randn(shape, generator=generator, device=generator.device, dtype=torch.float64).cpu().numpy()
    field = convolve1d(convolve1d(noise, kernel, 0), kernel, 1)[reach:-reach, reach:-reach]
    return field / (kernel**2).sum()


def levelled(variation: Floats, mean: float, largest: float) -> Floats:
    """`variation` (> 0) times a number and cut at `largest`, so that the mean is `mean`, or `largest` everywhere."""
    if mean >= largest:
        return np.full_like(variation, largest)

    def excess(factor: float) -> float:
        return float(np.minimum(largest, factor * variation).mean()) - mean

    return np.minimum(largest, brentq(excess, 0, largest / variation.min()) * variation)
