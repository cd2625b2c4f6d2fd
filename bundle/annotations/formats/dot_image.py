# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""A picture of the clicks, of the image's size: dots on an even ground, or a label with instance ids on 0.

In a picture of two values every piece (touching at sides or corners) of the one that is not the ground is a dot. The
ground is 0, however large a dot is; it is the other value only where that covers the whole border of the picture (black
dots on white), or the more frequent one where 0 is none of the two. With more values, every one but 0 is an object's
id, as in a label. The point is the centre of mass or, where that lies outside the dot or
object, its own pixel next to it (`centroid_points`). Pixel indices are pixel centres, as here.
"""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import torch
from scipy import ndimage
from skimage.measure import label as pieces_of

from ...files.image_kinds.raster import file_kind, read_indices
from ...files.image_kinds.tiff import read_tiff_values
from ...files.labels import in_raster_order
from ..clicks import Clicks
from ..object_points import centroid_points

logger = logging.getLogger(__name__)

AROUND = np.ones((3, 3))  # pixels that touch at a corner are one piece


def read_raster(path: Path) -> list[Clicks]:
    """Read one file, PNG or TIFF, which is for one image.

    Raises:
        ValueError: damaged, a JPEG, coloured, not of integers, or neither dots nor ids.
    """
    array = _stored_values(path)  # (H, W)
    values, counts = np.unique(array, return_counts=True)
    objects = _dots(array, _ground(values, counts, array)) if len(values) <= 2 else _check_objects(path, array)
    label = torch.from_numpy(in_raster_order(objects)[None])
    points = centroid_points(label).double().numpy()
    return [Clicks(path, points, (None,) * len(points), size=(array.shape[0], array.shape[1]))]


def _stored_values(path: Path) -> np.ndarray:
    kind = file_kind(path)
    if kind == "jpeg":
        raise ValueError(f"{path}: a JPEG blurs dots and ids: save it as PNG or TIFF")
    array = (read_tiff_values(path) if kind == "tiff" else read_indices(path)).array  # (H, W, S)
    if array.shape[-1] != 1 or array.dtype.kind not in "ui" or array.min(initial=0) < 0:
        raise ValueError(
            f"{path}: has {array.shape[-1]} channels of {array.dtype}: a picture of clicks has one channel of integers,"
            " 0 where nothing is"
        )
    return array[..., 0]


def _ground(values: np.ndarray, counts: np.ndarray, array: np.ndarray) -> int:
    """The value on which dots lie, in a picture of one or two."""
    if values[0] != 0:
        return int(values[counts.argmax()])
    border = np.concatenate([array[0], array[-1], array[:, 0], array[:, -1]])
    return 0 if (border == 0).any() else int(values[-1])


def _dots(array: np.ndarray, ground: int) -> np.ndarray:
    return ndimage.label(array != ground, AROUND)[0]


def _check_objects(path: Path, array: np.ndarray) -> np.ndarray:
    ids = len(np.unique(array[array != 0]))
    pieces = int(pieces_of(array, connectivity=2, background=0, return_num=True)[1])
    if array.all():
        raise ValueError(
            f"{path}: holds {ids} values and no 0, so nobody can tell which is the ground: export the label with"
            " 0 where nothing is"
        )
    if pieces > 2 * ids:
        raise ValueError(
            f"{path}: {ids} values in {pieces} pieces are neither dots (one value) nor objects (each its own id): save"
            " dots with one value, without smooth edges, or give every object an id"
        )
    if pieces > ids:
        logger.warning("%s: %d ids are in %d pieces; each id gets one point", path, ids, pieces)
    return array
