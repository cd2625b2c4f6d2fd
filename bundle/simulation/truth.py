# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Truth of a simulated image: a tidy label of what is visible, and the points that an annotator would click."""

from __future__ import annotations

import numpy as np
from scipy import ndimage
from transforms.instances.hover_to_label import raster_ids


def tidy(label: np.ndarray, smallest: float) -> np.ndarray:
    """Keep the largest connected part of each object if it has `smallest` px; renumber in raster order of the centres.

    Args:
        label: int32 (H, W).
        smallest: area in px.

    Returns:
        int32 (H, W), ids 1..n.
    """
    parts, count = connected_parts(label)  # (H, W)
    area = np.bincount(parts.ravel(), minlength=count + 1)
    whose = np.zeros(count + 1, np.int64)
    whose[parts.ravel()] = label.ravel()
    order = np.lexsort((-area, whose))  # the largest part of each object first
    largest = order[np.unique(whose[order], return_index=True)[1]]
    kept = np.zeros(count + 1, np.int64)
    kept[largest] = largest  # part 0 is the background
    return raster_ids(kept[parts], int(np.ceil(smallest)))


def connected_parts(label: np.ndarray) -> tuple[np.ndarray, int]:
    """4-connected parts of equal id: parts int (H, W), 0 = background, and how many."""
    height, width = label.shape
    grown = np.zeros((2 * height - 1, 2 * width - 1), bool)  # pixels and, between them, the links of equal neighbours
    grown[::2, ::2] = label > 0
    grown[1::2, ::2] = (label[1:] == label[:-1]) & (label[1:] > 0)
    grown[::2, 1::2] = (label[:, 1:] == label[:, :-1]) & (label[:, 1:] > 0)
    parts, count = ndimage.label(grown)
    return parts[::2, ::2], count


def simulated_clicks(rng: np.random.Generator, label: np.ndarray) -> np.ndarray:
    """What an annotator would mark: each object's centre, a little off, always inside.

    Args:
        rng: source of randomness.
        label: int32 (H, W), ids 1..n.

    Returns:
        float32 (n, 2), x and y in px.
    """
    count = int(label.max(initial=0))
    if count == 0:
        return np.zeros((0, 2), np.float32)
    y, x = np.nonzero(label)
    owner = label[y, x] - 1
    area = np.bincount(owner, minlength=count)
    centre = np.stack([np.bincount(owner, weights=w, minlength=count) / area for w in (x, y)], 1)  # (n, 2)
    points = centre + rng.normal(0, 0.10, (count, 2)) * np.sqrt(area)[:, None]
    points = points.round(1)
    column, row = (np.clip(np.rint(points[:, i]).astype(int), 0, label.shape[1 - i] - 1) for i in (0, 1))
    outside = (points < 0).any(1) | (points > np.array(label.shape[::-1]) - 1).any(1)
    missed = (label[row, column] != np.arange(1, count + 1)) | outside
    distance = np.hypot(x - points[owner, 0], y - points[owner, 1])
    order = np.lexsort((distance, owner))
    nearest = order[np.unique(owner[order], return_index=True)[1]]  # each object's own pixel nearest to its click
    points[missed] = np.stack([x[nearest], y[nearest]], 1)[missed]
    return points.astype(np.float32)
