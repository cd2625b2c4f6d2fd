# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Random fields of the tissue simulator: smooth noise, and noise drawn out along a direction (fibres).

They stand apart because layout, nuclei and background all draw from them. Every function takes a NumPy generator, so an
image depends on its seed alone.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter, zoom


def gaussian_field(rng: np.random.Generator, size: tuple[int, int], sigma: float) -> np.ndarray:
    """Gaussian random field of zero mean and unit variance.

    Args:
        rng: source of randomness.
        size: H, W in px.
        sigma: correlation length in px; long ones are drawn on a coarse grid and interpolated.

    Returns:
        float32 (H, W).
    """
    factor = max(1, int(sigma / 3))
    coarse = [-(-side // factor) + 2 for side in size]
    field = gaussian_filter(rng.standard_normal(coarse, dtype=np.float32), sigma / factor, mode="reflect")
    if factor > 1:
        field = zoom(field, factor, order=1, mode="nearest", grid_mode=True)
    field = field[: size[0], : size[1]]  # (H, W)
    return (field - field.mean()) / max(float(field.std()), 1e-6)


def ranked(field: np.ndarray) -> np.ndarray:
    """The values of a field (H, W) replaced by their rank in [0, 1], so that a threshold is an area fraction."""
    order = np.argsort(field, axis=None, kind="stable")
    ranks = np.empty(field.size, dtype=np.float32)
    ranks[order] = np.linspace(0, 1, field.size, dtype=np.float32)
    return ranks.reshape(field.shape)


def smoothstep(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """0 below `low`, 1 above `high`, a smooth cubic between; `low` > `high` turns it round."""
    t = np.clip((values - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def fibres(rng: np.random.Generator, angle: np.ndarray, length: float, width: float) -> np.ndarray:
    """Line integral convolution: noise averaged along a direction field (Cabral and Leedom 1993).

    Args:
        rng: source of randomness.
        angle: (H, W), direction of the fibres in rad, measured from x towards y.
        length: how far a fibre runs, px.
        width: how thick it is, px.

    Returns:
        float32 (H, W), zero mean, unit variance.
    """
    if width > 2:  # thick ones are as good from half the resolution
        half = fibres(rng, angle[::2, ::2], length / 2, width / 2)
        return zoom(half, 2, order=1, mode="nearest", grid_mode=True)[: angle.shape[0], : angle.shape[1]]
    height, breadth = angle.shape
    noise = gaussian_field(rng, angle.shape, width)
    y0, x0 = np.mgrid[:height, :breadth].astype(np.float32)
    cos, sin = np.cos(angle).astype(np.float32), np.sin(angle).astype(np.float32)
    total = noise.copy()
    stride = max(1.0, width)
    for sign in (-stride, stride):
        y, x, row, column = y0.copy(), x0.copy(), np.int32(y0), np.int32(x0)
        heading = np.full(angle.shape, sign, np.float32)
        before = (cos, sin)
        for _ in range(max(1, int(length / (2 * stride)))):
            here = (cos[row, column], sin[row, column])
            reverses = here[0] * before[0] + here[1] * before[1] < 0
            heading *= np.where(reverses, -1, 1)  # an angle has no sign: go on straight
            x += heading * here[0]
            y += heading * here[1]
            row = np.clip(y, 0, height - 1).astype(np.int32)
            column = np.clip(x, 0, breadth - 1).astype(np.int32)
            total += noise[row, column]
            before = here
    return (total - total.mean()) / max(float(total.std()), 1e-6)
