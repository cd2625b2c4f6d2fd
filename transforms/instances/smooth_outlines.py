# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Instances without holes and with smooth outlines: what is true of nuclei, and not of thresholded probabilities.

A pixel belongs to the object that holds more than half of the Gaussian around it. At most one can, so objects never
overlap, and each depends on its own pixels alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import find_objects, gaussian_filter1d
from scipy.ndimage import label as connected_components

HALF = 0.5  # of the Gaussian that an object has to hold, and of its pixels that it keeps at least
TRUNCATE = 3.0  # standard deviations that the Gaussian goes


def smooth_outlines(label: NDArray[np.integer], sigma: Sequence[float]) -> NDArray[np.integer]:
    """Fill the holes of instances and smooth their outlines.

    Args:
        label: ids (H, W), 0 = background.
        sigma: standard deviations of the Gaussian along rows and columns, px; 0 and 0 leave the label as it is.

    Returns:
        (H, W), the label's type and ids. An object of which less than half would be left keeps its pixels.
    """
    if not any(sigma) or not label.any():
        return label
    filled = fill_holes(label)
    smooth, small = np.zeros_like(filled), []
    margins = [math.ceil(TRUNCATE * each) for each in sigma]
    for number, box in enumerate(find_objects(filled), 1):
        if box is None:
            continue
        spans = [
            slice(max(span.start - margin, 0), min(span.stop + margin, length))
            for span, margin, length in zip(box, margins, filled.shape, strict=True)
        ]
        place = (spans[0], spans[1])
        own = filled[place] == number
        down, across = (blur_matrix(length, each) for length, each in zip(own.shape, sigma, strict=True))
        kept = down @ own.astype(np.float32) @ across.T > HALF
        if kept.sum() < HALF * own.sum():
            small.append((place, own, number))
        else:
            smooth[place][kept] = number
    for place, own, number in small:  # after the others, which may have taken their pixels
        smooth[place][own] = number
    return smooth


@lru_cache(maxsize=512)
def blur_matrix(length: int, sigma: float) -> NDArray[np.float32]:
    """The Gaussian along an axis of `length` px as a matrix (length, length), reflected at both ends."""
    unit = np.eye(length, dtype=np.float32)
    return gaussian_filter1d(unit, sigma, axis=0, mode="reflect", truncate=TRUNCATE) if sigma else unit


def fill_holes(label: NDArray[np.integer]) -> NDArray[np.integer]:
    """Give background that one object encloses to this object, if it is smaller than that; ids (H, W) to the same."""
    framed, count = connected_components(np.pad(label == 0, 1, constant_values=True))
    holes, around = framed[1:-1, 1:-1], framed[0, 0]  # the frame, and what is connected with it, is no hole
    least = np.full(count + 1, np.iinfo(np.int64).max)  # the smallest and the largest id next to each part
    most = np.zeros(count + 1, np.int64)
    for axis in (0, 1):
        for here, there in ((slice(None, -1), slice(1, None)), (slice(1, None), slice(None, -1))):
            one, other = ((part, slice(None)) if axis == 0 else (slice(None), part) for part in (here, there))
            beside = (holes[one] > 0) & (label[other] > 0)
            np.minimum.at(least, holes[one][beside], label[other][beside])
            np.maximum.at(most, holes[one][beside], label[other][beside])
    owner = np.where(least == most, most, 0)
    owner[[0, around]] = 0
    sizes = np.bincount(label.reshape(-1), minlength=int(owner.max()) + 1)
    owner[np.bincount(holes.reshape(-1), minlength=count + 1) >= sizes[owner]] = 0
    return np.where(label > 0, label, owner[holes].astype(label.dtype))
