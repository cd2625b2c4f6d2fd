# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""From stored intensities to [0, 1]: 8 bit by 255, 16 bit by a stated range or by one rule for a whole folder or slide.

The rule of 16 bit, so that equal pictures give equal results and an empty one shows nothing:

- Values that are all multiples of 257 (or of 256) are 8-bit ones spread over 16 bits, and count as those.
- Colour is not stretched: 0 is black, and white is the largest value of the bits in use (8, 10, 12, 14 or 16).
- Grey is stretched between two percentiles if these are far apart. If not, the picture shows nothing that stands out,
  and stretching it would make objects of its noise: it is taken as colour is.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..view import Window

PERCENTILES = (0.1, 99.9)  # of the intensities of a grey 16-bit picture: these become 0 and 1
CONTRAST = 0.5  # share of the upper percentile that the two must be apart, or nothing is stretched
DEPTHS = (8, 10, 12, 14, 16)  # bits that cameras and scanners give
SPREAD = ((257, 65535.0), (256, 65280.0))  # factor from 8 to 16 bit, and what 255 becomes


class IntensityCounts:
    """How often each 16-bit intensity occurs in one or several pictures that are to be scaled alike."""

    def __init__(self) -> None:
        self._counts: NDArray[np.int64] = np.zeros(1 << 16, np.int64)
        self._colour, self._bits = False, 0

    def add(self, array: np.ndarray, bits: int | None = None) -> None:
        """Count a picture in.

        Args:
            array: uint16 (C, ...), C = 1 (grey) or 3 (colour).
            bits: of a sample, where the file says how many count.
        """
        self._counts += np.bincount(array.ravel(), minlength=1 << 16)
        self._colour |= len(array) == 3
        self._bits = max(self._bits, bits or 0)

    def __bool__(self) -> bool:
        return bool(self._counts.any())

    @property
    def percentiles(self) -> Window:
        """Low and high, interpolated as `numpy.percentile` does."""
        ends = self._counts.cumsum()
        places = np.array(PERCENTILES) / 100 * (ends[-1] - 1)
        below, above = (ends.searchsorted(each + 1) for each in (np.floor(places), np.ceil(places)))
        low, high = (below + (above - below) * (places % 1)).tolist()
        return low, high

    @property
    def stands_out(self) -> bool:
        """Whether the percentiles are far enough apart to stretch between them."""
        low, high = self.percentiles
        return high - low >= CONTRAST * high > 0

    def window(self) -> Window:
        """The intensities that become 0 and 1; the full range where nothing was counted."""
        values = self._counts.nonzero()[0]
        for factor, white in SPREAD:
            if not (values % factor).any():
                return 0.0, white
        if not self._colour and self.stands_out:
            return self.percentiles
        return 0.0, float(white_level(self.percentiles[1], self._bits or None))


def is_spread(array: np.ndarray) -> bool:
    """Whether 16-bit values are 8-bit ones spread over 16 bits; of one value alone nobody can tell, and it is not."""
    return bool(array.size and array.min() < array.max() and any(not (array % factor).any() for factor, _ in SPREAD))


def white_level(high: float, bits: int | None = None) -> int:
    """The largest value of the bits in use: those stated, or the fewest usual ones that hold an intensity."""
    depth = bits or next(each for each in DEPTHS if high < 1 << each)
    return (1 << depth) - 1


def intensity_window(array: np.ndarray, bits: int | None = None) -> Window:
    """Intensities that become 0 and 1 of one picture (C, ...): 0 and 255 of uint8, by the rule above of uint16."""
    if array.dtype == np.uint8:
        return 0.0, 255.0
    counts = IntensityCounts()
    counts.add(array, bits)
    return counts.window()


def to_float(array: np.ndarray, window: Window | None = None, bits: int | None = None) -> tuple[Tensor, Window]:
    """Scale stored intensities to [0, 1].

    Args:
        array: uint8 or uint16 (C, H, W).
        window: intensities that become 0 and 1: those that a user states, or those kept from an earlier call; None: 0
            and 255 of 8 bit, by the rule of this module of 16 bit.
        bits: of a 16-bit sample, where the file says how many count.

    Returns:
        float32 (C, H, W) in [0, 1], and the window used, to be kept in a manifest.

    Raises:
        ValueError: neither uint8 nor uint16, or a window without width.
    """
    if array.dtype not in (np.uint8, np.uint16):
        raise ValueError(f"pixels are {array.dtype}: to_float takes uint8 or uint16")
    low, high = window or intensity_window(array, bits)
    if not low < high:
        raise ValueError(f"window {low:g} to {high:g} has no width: the first number must be the smaller one")
    scaled = (array.astype(np.float32) - np.float32(low)) / np.float32(high - low)
    return torch.from_numpy(np.clip(scaled, 0, 1)), (low, high)


def as_stored(image: Tensor, window: Window) -> NDArray[np.uint16]:
    """What `to_float` undoes: an image in [0, 1] as 16-bit intensities, of which `window` are 0 and 1."""
    low, high = window
    stored = low + image.double().numpy() * (high - low)
    return np.clip(np.rint(stored), 0, np.iinfo(np.uint16).max).astype(np.uint16)
