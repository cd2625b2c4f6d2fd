# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""One instance per known point: labels of training images from what a network found on them."""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt
from scipy.spatial import cKDTree
from skimage.segmentation import watershed

from ..pixel_centres import inside, pixels_of
from .follow_offsets import Floats, Integers, as_arrays
from .smooth import smooth

DISTANCE_COST = 0.05  # per px from the nearest point, against the fall of h and v between two objects (up to 1 per px)


def split_by_points(
    hover_map: torch.Tensor,
    points: torch.Tensor,
    threshold: float = 0.5,
    radius: float = 2.0,
    max_radius: float = math.inf,
    smoothing: float = 0.7,
) -> torch.Tensor:
    """Exactly one instance per point, by a watershed from the points over the places where h and v fall.

    Foreground that no point reaches is dropped; a point outside the foreground still gets a small disk.

    Args:
        hover_map: (3, H, W): h, v in [-1, 1], m in [0, 1].
        points: (N, 2), x and y in px; those outside the image are left out. Of several in one pixel the first in
            raster order keeps it, and the others may find none left.
        threshold: pixels with m above it are foreground.
        radius: px around a point that always belong to it (or to a nearer point).
        max_radius: no pixel further than this, px, from its point belongs to the point's instance.
        smoothing: standard deviation, px, of a Gaussian over h and v.

    Returns:
        (1, H, W) int32 on the map's device: ids 1..n in raster order of the points' pixels, 0 = background.

    Raises:
        ValueError: the map is not (3, H, W), or holds NaN or infinity.
    """
    offsets, m = as_arrays(hover_map)
    places = points[inside(points, (m.shape[0], m.shape[1]))].detach().cpu().double().numpy()
    own = pixels_of(places)  # (N, 2): the pixel that each point lies in
    order = np.lexsort((places[:, 0], places[:, 1], own[:, 0], own[:, 1]))
    markers, distance = disks(places[order], m.shape, radius)
    allowed = (m > threshold) & (distance <= max_radius) | (markers > 0)
    energy = falls(smooth(offsets, m > threshold, smoothing)) + DISTANCE_COST * np.where(allowed, distance, 0)
    label = watershed(energy, markers, mask=allowed).astype(np.int32)
    label[(markers == 0) & too_far(label, places[order], max_radius)] = 0
    return torch.from_numpy(label)[None].to(hover_map.device)


def disks(points: Floats, size: tuple[int, ...], radius: float) -> tuple[Integers, Floats]:
    """Ids (H, W) of the points' disks and own pixels, and how far (H, W), px, the nearest point's pixel is."""
    markers = np.zeros(size, np.int32)
    if not len(points):
        return markers, np.full(size, math.inf)
    own = tuple(pixels_of(points[:, ::-1]).T)  # rows, columns
    vacant = np.ones(size, bool)
    vacant[own] = False
    distance = distance_transform_edt(vacant)
    row, column = np.nonzero(distance <= radius + 1)
    nearest_distance, nearest = cKDTree(points).query(np.stack([column, row], 1))
    markers[row, column] = np.where(nearest_distance <= radius, nearest + 1, 0)
    first = np.unique(np.ravel_multi_index(own, size), return_index=True)[1]  # of several points in one pixel
    markers[own[0][first], own[1][first]] = first + 1
    return markers, distance


def too_far(label: Integers, points: Floats, radius: float) -> NDArray[np.bool_]:
    """Pixels (H, W) of the label that lie further than `radius` px from the point, (N, 2), that their id names."""
    row, column = np.nonzero(label)
    far = np.zeros(label.shape, bool)
    x, y = points[label[row, column] - 1].T
    far[row, column] = np.hypot(column - x, row - y) > radius
    return far


def falls(offsets: Floats) -> Floats:
    """How much h falls along rows and v along columns, (H, W) per px: 0 inside an instance, high between two."""
    h, v = np.pad(offsets, ((0, 0), (1, 1), (1, 1)), mode="edge")
    return np.maximum(h[1:-1, :-2] - h[1:-1, 2:], 0) / 2 + np.maximum(v[:-2, 1:-1] - v[2:, 1:-1], 0) / 2
