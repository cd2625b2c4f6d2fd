# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""One point for every object of a label: how clicks are made where only outlines exist."""

from __future__ import annotations

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor
from transforms.pixel_centres import pixels_of

DECIMALS = 2  # of a px; points files hold no more


def centroid_points(label: Tensor) -> Tensor:
    """The centre of mass of each object or, where that lies outside (bent objects), the object's own pixel next to it.

    Args:
        label: int32 (1, H, W), ids 1..n.

    Returns:
        float32 (n, 2), x and y in px, rounded to 0.01 px, in the order of the ids; each inside its object.
    """
    y, x, owner, count = _object_pixels(label)
    if not count:
        return torch.zeros(0, 2)
    area = np.bincount(owner, minlength=count)
    points = np.stack([np.bincount(owner, axis, count) / area for axis in (x, y)], 1).round(DECIMALS)  # (n, 2)
    distance = np.hypot(x - points[owner, 0], y - points[owner, 1])  # (pixels,)
    nearest = _first_of_each(owner, distance)
    column, row = pixels_of(points).T  # the pixel that each point lies in
    outside = label[0].numpy()[row, column] != np.arange(1, count + 1)
    points[outside] = np.stack([x[nearest], y[nearest]], 1)[outside]
    return torch.from_numpy(points.astype(np.float32))


def deepest_points(label: Tensor) -> Tensor:
    """The pixel of each object that is farthest from the object's border, as a careful annotator would click.

    Args and result as `centroid_points`; of several equally deep pixels the one nearest to the centroid.
    """
    y, x, owner, count = _object_pixels(label)
    if not count:
        return torch.zeros(0, 2)
    centre = centroid_points(label).numpy()
    depth = _depth(label[0].numpy())[y, x]
    distance = np.hypot(x - centre[owner, 0], y - centre[owner, 1])
    best = _first_of_each(owner, -depth, distance)
    return torch.from_numpy(np.stack([x[best], y[best]], 1).astype(np.float32))


POINT_RULES = {"centroid": centroid_points, "deepest": deepest_points}


def _object_pixels(label: Tensor) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
    array = label[0].numpy()  # (H, W)
    y, x = np.nonzero(array)
    return y, x, array[y, x] - 1, int(array.max(initial=0))


def _first_of_each(owner: np.ndarray, *costs: np.ndarray) -> np.ndarray:
    """For every owner 0..n-1 the index of its cheapest pixel."""
    order = np.lexsort((*costs[::-1], owner))
    return order[np.unique(owner[order], return_index=True)[1]]


def _depth(array: np.ndarray) -> np.ndarray:
    """(H, W): distance in px to the nearest pixel of another object or of the background, outside counting as such."""
    padded = np.pad(array, 1)
    depth = np.zeros(padded.shape)
    for index, box in enumerate(ndimage.find_objects(padded), start=1):
        grown = tuple(slice(side.start - 1, side.stop + 1) for side in box)
        mask = padded[grown] == index
        depth[grown][mask] = ndimage.distance_transform_edt(mask)[mask]
    return depth[1:-1, 1:-1]
