# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Metrics that need no outline: whether objects are found and counted, all that clicked points can tell.

Points are (N, 2), x and y in px, pixel centres at integers. Nothing predicted where nothing is true: not counted (NaN).
"""

from __future__ import annotations

import numpy as np
from monai.config import NdarrayOrTensor
from monai.utils import convert_to_numpy
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_bipartite_matching
from scipy.spatial import KDTree
from transforms.pixel_centres import pixels_of

from .overlap import label_array, runs

# px: 3 um at 0.25 um/px, the radius that the field reports detection at (Sirinukunwattana et al. 2016; HoVer-Net)
RADIUS = 12.0


def object_centres(label: NdarrayOrTensor) -> np.ndarray:
    """Centre of mass of every object.

    Args:
        label: (H, W) or (1, H, W), integer ids, 0 = background.

    Returns:
        (N, 2) float64, x and y in px, in ascending order of ids.
    """
    array = label_array(label, "label")
    starts, lengths = runs(array)
    ids = array.reshape(-1)[starts]  # (R,)
    starts, lengths, ids = starts[ids > 0], lengths[ids > 0], ids[ids > 0]
    index = np.unique(ids, return_inverse=True)[1]
    y, x = np.divmod(starts, array.shape[1])
    x = x + (lengths - 1) / 2  # centre of each run
    areas = np.bincount(index, weights=lengths)  # (N,)
    sums = [np.bincount(index, weights=lengths * axis) for axis in (x, y)]
    return np.stack(sums, axis=1) / areas[:, None]


def detection_f1(pred_points: NdarrayOrTensor, true_points: NdarrayOrTensor, radius: float = RADIUS) -> float:
    """F1 of detection: as many one-to-one pairs of points at most `radius` apart as there can be.

    Args:
        pred_points: (P, 2), x and y in px.
        true_points: (T, 2), x and y in px.
        radius: px; a radius in um is divided by the image's um per px.

    Returns:
        2 pairs / (P + T) in [0, 1]; NaN where there is no point on either side.

    Raises:
        ValueError: the radius is not above 0, or points are not (N, 2) finite numbers.
    """
    if not radius > 0:
        raise ValueError(f"radius is {radius} px: give a distance above 0")
    pred, true = point_array(pred_points, "pred_points"), point_array(true_points, "true_points")
    if len(pred) == 0 or len(true) == 0:
        return float("nan") if len(pred) == len(true) else 0.0
    return 2 * len(pair_points(pred, true, radius)[0]) / (len(pred) + len(true))


def pair_points(pred: np.ndarray, true: np.ndarray, radius: float) -> tuple[np.ndarray, np.ndarray]:
    """As many one-to-one pairs of points at most `radius` apart as there can be.

    Args:
        pred: (P, 2), x and y in px.
        true: (T, 2), likewise.
        radius: px.

    Returns:
        Row in `pred` and row in `true` of each pair.
    """
    if len(pred) == 0 or len(true) == 0:
        return np.zeros(0, int), np.zeros(0, int)
    near = KDTree(pred).sparse_distance_matrix(KDTree(true), radius, output_type="ndarray")
    graph = csr_array((np.ones(len(near), dtype=np.int8), (near["i"], near["j"])), shape=(len(pred), len(true)))
    partner = maximum_bipartite_matching(graph, perm_type="column")  # of each row of pred, -1 where it has none
    return np.flatnonzero(partner >= 0), partner[partner >= 0]


def objects_at(label: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Ids of the pixels that hold points.

    Args:
        label: ids (H, W).
        points: (N, 2), x and y in px.

    Returns:
        (N,), 0 = background.

    Raises:
        ValueError: a point is outside the image.
    """
    height, width = label.shape
    x, y = pixels_of(points).T
    outside = (x < 0) | (x >= width) | (y < 0) | (y >= height)
    if outside.any():
        raise ValueError(f"point {points[outside][0].tolist()} (x, y) is outside the image of {width} x {height} px")
    return label[y, x]


def point_array(points: NdarrayOrTensor, name: str) -> np.ndarray:
    """Check points and return them as float64 (N, 2); `name` is for the messages; ValueError where they are none."""
    array = np.asarray(convert_to_numpy(points), dtype=np.float64)
    if array.ndim != 2 or array.shape[1] != 2:
        raise ValueError(f"{name} has the shape {array.shape}: points are (N, 2), x and y")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} holds a number that is not finite: remove or mend its row")
    return array
