# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""What an image's own colours say about its foreground: a network's probability, corrected by the colours it selects.

A network that learnt from ellipses knows where objects are and about how large, not where they end. Their stain does:
the colours inside and outside are told apart in every image by itself, so differences of stain between images do not
matter.
"""

from __future__ import annotations

import numpy as np
import torch
from scipy.ndimage import distance_transform_edt, gaussian_filter
from scipy.special import expit
from skimage.color import rgb2lab
from torch import Tensor

from ..pixel_centres import pixels_of

FLOOR = 1e-7  # added to both densities, so that a colour that neither has seen says little, however few the points
CERTAIN = 1e-4  # probabilities are kept this far from 0 and 1


def colour_posterior(
    image: Tensor,
    probability: Tensor,
    points: Tensor,
    core: float = 2.0,
    trust: float = 0.5,
    bins: int = 20,
    smoothing: float = 0.7,
) -> Tensor:
    """Foreground probability given where a pixel lies (the network's say, as prior) and its colour (as evidence).

    What lies at the points is foreground for certain, what the network calls background is background: two colour
    histograms of this image, whose ratio turns the prior's odds into the posterior's (Bayes' rule).

    Args:
        image: float (C, H, W) in [0, 1]; CIELAB for C = 3, intensity for C = 1.
        probability: float (1, H, W) in [0, 1], the prior.
        points: (N, 2), x and y in px; without any the prior comes back.
        core: px, standard deviation of the Gaussian by which a pixel counts less the further it is from a point.
        trust: exponent of the prior's odds: below 1, because a network that learnt from guessed outlines is too sure.
        bins: bins per colour axis, between the smallest and the largest value in this image.
        smoothing: standard deviation, px, of the Gaussian that takes sensor noise off the colours.

    Returns:
        float32 (1, H, W) in [0, 1] on the probability's device.
    """
    if not len(points):
        return probability.float()
    prior = probability.detach().cpu().double().numpy()[0].clip(CERTAIN, 1 - CERTAIN)  # (H, W)
    cell = colour_cells(image, bins, smoothing)  # (H, W)
    foreground = histogram(cell, np.exp(-(point_distance(points, prior.shape) ** 2) / (2 * core**2)), bins, len(image))
    background = histogram(cell, 1 - prior, bins, len(image))
    odds = trust * np.log(prior / (1 - prior)) + np.log(foreground / background)[cell]
    return torch.from_numpy(expit(odds)[None]).to(probability.device, torch.float32)


def point_distance(points: Tensor, size: tuple[int, ...]) -> np.ndarray:
    """Distance (H, W), px, from each pixel to the nearest pixel that holds a point."""
    height, width = size
    column, row = pixels_of(points.detach().cpu().numpy()).T
    vacant = np.ones(size, bool)
    vacant[row.clip(0, height - 1), column.clip(0, width - 1)] = False
    return distance_transform_edt(vacant)


def smooth_colours(image: Tensor, smoothing: float) -> np.ndarray:
    """The colours of an image (C, H, W) without its noise: float64 (H, W, C), CIELAB for C = 3; `smoothing` in px."""
    colours = image.detach().cpu().double().numpy().transpose(1, 2, 0)  # (H, W, C)
    return gaussian_filter(rgb2lab(colours) if colours.shape[2] == 3 else colours, (smoothing, smoothing, 0))


def colour_cells(image: Tensor, bins: int, smoothing: float) -> np.ndarray:
    """The histogram cell that each pixel's colour falls into: image (C, H, W) -> int64 (H, W) in [0, bins^C)."""
    colours = smooth_colours(image, smoothing)
    low, high = colours.min((0, 1)), colours.max((0, 1))
    place = ((colours - low) / np.maximum(high - low, 1e-9) * bins).astype(np.int64).clip(0, bins - 1)  # (H, W, C)
    return np.ravel_multi_index(tuple(np.moveaxis(place, 2, 0)), (bins,) * place.shape[2])


def histogram(cell: np.ndarray, weight: np.ndarray, bins: int, channels: int) -> np.ndarray:
    """Density over the cells, (bins^channels,), of pixels that count by `weight`, smoothed by a bin."""
    counts = np.bincount(cell.ravel(), weight.ravel(), bins**channels).reshape((bins,) * channels)
    return (gaussian_filter(counts / counts.sum(), 1.0) + FLOOR).ravel()
