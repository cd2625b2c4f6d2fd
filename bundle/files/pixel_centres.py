# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Half a pixel: programs measure from the corner of the first pixel or from its centre; here centres are integers.

Measured from the corner, a pixel covers [i, i + 1) and its centre is at i + 1/2.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

HALF_PIXEL = 0.5  # px


def from_corner(places: ArrayLike) -> NDArray[np.float64]:
    """Places (..., 2) measured from the corner, with pixel centres at integers."""
    return np.asarray(places, np.float64) - HALF_PIXEL


def to_corner(places: ArrayLike) -> NDArray[np.float64]:
    """Places (..., 2) with pixel centres at integers, measured from the corner."""
    return np.asarray(places, np.float64) + HALF_PIXEL
