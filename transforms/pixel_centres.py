# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Half a pixel: programs measure from the corner of the first pixel or from its centre; here centres are integers.

Measured from the corner, a pixel covers [i, i + 1) and its centre is at i + 1/2.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from .size import Size

HALF_PIXEL = 0.5  # px


def pixels_of(places: ArrayLike) -> NDArray[np.int64]:
    """The pixels (...) that places (...) lie in, int64; pixel i holds [i - 1/2, i + 1/2)."""
    return np.floor(to_corner(places)).astype(np.int64)


def pixels_of_tensor(places: torch.Tensor) -> torch.Tensor:
    """`pixels_of` of a tensor (..., 2), int64 on its device."""
    return torch.floor(places + HALF_PIXEL).long()


def from_corner(places: ArrayLike) -> NDArray[np.float64]:
    """Places (..., 2) measured from the corner, with pixel centres at integers."""
    return np.asarray(places, np.float64) - HALF_PIXEL


def to_corner(places: ArrayLike) -> NDArray[np.float64]:
    """Places (..., 2) with pixel centres at integers, measured from the corner."""
    return np.asarray(places, np.float64) + HALF_PIXEL


def inside(points: torch.Tensor, size: Size) -> torch.Tensor:
    """(N,) bool: which points lie in [-0.5, W - 0.5) x [-0.5, H - 0.5); NaN does not."""
    height, width = size
    x, y = points.unbind(1)
    across = (x >= -HALF_PIXEL) & (x < width - HALF_PIXEL)
    return across & (y >= -HALF_PIXEL) & (y < height - HALF_PIXEL)
