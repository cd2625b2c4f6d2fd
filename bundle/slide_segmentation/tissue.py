# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Where a slide holds tissue: what is glass is never shown to the network.

Stained tissue: on a small copy, the optical density of the darkest colour of each pixel above the glass, by Otsu's
threshold (IEEE Trans. SMC 9(1), 1979). Fluorescence: intensity above the dark, likewise. Otsu's threshold is held
within bounds, since on a slide that is all tissue, or all glass, it would divide that: what is doubtful is tissue. A
nucleus missed costs more than a window looked at.

What a scanner did not look at, programs fill with black, or make transparent: that is no tissue either, nor is a thin
rim of it, where a px of the small copy is part black and part glass.
"""

from __future__ import annotations

import logging
import math

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation
from skimage.filters import threshold_otsu
from torch import Tensor

from ..inference.outside import BLACK
from ..slides.grid import Box, Grid
from ..slides.reader import Slide
from .layout import Layout

logger = logging.getLogger(__name__)

Mask = NDArray[np.bool_]

COARSER = 16  # px of the model's grid per px of the mask: 8 um at 0.5 um per px
DARKEST = 1 / 255
DENSITY_BOUNDS = (0.03, 0.1)  # optical density, base 10, above the glass
INTENSITY_BOUNDS = (0.01, 0.05)  # of the range, above the dark
RIM = 1  # px of the mask beside what is black
MARGIN = 2  # px of the mask: tissue is thought to go on by so much

WAYS = ("otsu", "none")


def default_way(channels: int) -> str:
    """Stained slides: "otsu"; fluorescence: "none", since dim nuclei may be hardly brighter than the dark."""
    return "otsu" if channels == 3 else "none"


def tissue_windows(slide: Slide, grid: Grid, layout: Layout, way: str) -> Mask:
    """The windows (rows, columns) that hold tissue.

    Args:
        slide: the slide.
        grid: at the model's spacing.
        layout: of that grid.
        way: one of WAYS; "none" gives all windows.
    """
    windows = windows_with(mask_of_slide(slide, grid, way), grid, layout)
    if way == "none":
        return windows
    logger.info("%s: %.0f %% of its windows hold tissue", slide.path.name, 100 * windows.mean())
    if not windows.any():
        logger.warning("%s: is all glass, so there is nothing to find: --tissue none looks at all of it", slide.path)
    return windows


def mask_of_slide(slide: Slide, grid: Grid, way: str) -> Mask:
    """Where (rows, columns) a slide holds tissue, on a small copy; of one px, all tissue, with the way "none"."""
    if way == "none":
        return np.ones((1, 1), bool)
    height, width = (max(round(length / COARSER), 1) for length in grid.size)
    small = Grid(slide.size, (height, width))
    return tissue_mask(slide.read_box(small, small.box))


def tissue_mask(image: Tensor) -> Mask:
    """The tissue (H, W) in a small image (C, H, W) in [0, 1]; RGB is taken for stained, grey for fluorescence."""
    pixels = image.numpy()
    stained = len(pixels) == 3
    if stained:
        signal = -np.log10(np.maximum(pixels.min(axis=0), DARKEST))  # (H, W)
        seen = ~_outside(pixels)
    else:
        signal, seen = pixels[0], np.ones(pixels.shape[1:], bool)
    if not seen.any():
        return seen
    signal = signal - np.percentile(signal[seen], 1)  # the clearest glass is 0
    low, high = DENSITY_BOUNDS if stained else INTENSITY_BOUNDS
    threshold = float(np.clip(threshold_otsu(signal[seen]), low, high)) if np.ptp(signal[seen]) > 0 else high
    return binary_dilation(seen & (signal > threshold), iterations=MARGIN) & seen


def _outside(pixels: NDArray[np.float32]) -> Mask:
    """Where a stained image (3, H, W) is black, and the rim of that."""
    return binary_dilation(pixels.max(axis=0) < BLACK, iterations=RIM, structure=np.ones((3, 3)))


def windows_with(mask: Mask, grid: Grid, layout: Layout) -> Mask:
    """Which windows (rows, columns) of a layout touch a pixel of a mask that covers the whole grid."""
    rows, columns = layout.window_counts()
    sums = np.pad(mask.cumsum(0, dtype=np.int64).cumsum(1), ((1, 0), (1, 0)))  # of all above and left
    scale = mask.shape[1] / grid.size[1], mask.shape[0] / grid.size[0]
    found = np.empty((rows, columns), bool)
    for row in range(rows):
        for column in range(columns):
            box = layout.window_box((row, column)).within(layout.box)
            left, top, right, bottom = _covered(box, scale, mask.shape)
            inside = sums[bottom, right] - sums[top, right] - sums[bottom, left] + sums[top, left]
            found[row, column] = inside > 0
    return found


def _covered(box: Box, scale: tuple[float, float], size: tuple[int, ...]) -> Box:
    across, down = scale
    return Box(
        math.floor(box.left * across),
        math.floor(box.top * down),
        min(math.ceil(box.right * across), size[1]),
        min(math.ceil(box.bottom * down), size[0]),
    )
