# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Label files: instance ids as a one-channel PNG or TIFF, read to int32 with ids in raster order."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor

from .image_kinds.raster import file_kind, read_indices
from .image_kinds.tiff import read_tiff_values

logger = logging.getLogger(__name__)

LABEL_SUFFIXES = (".png", ".tif", ".tiff")


def read_label(path: str | os.PathLike[str], size: tuple[int, int] | None = None) -> Tensor:
    """Read instance ids: 8-, 16- or 32-bit integers, grey or palette indices, PNG or TIFF, 0 = background.

    Args:
        path: the file.
        size: (H, W) of the image that the label belongs to, px; checked where given.

    Returns:
        int32 (1, H, W), renumbered 1..n in raster order of object centres.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: damaged, a JPEG, coloured, of float or negative ids, or of another size than the image.
    """
    path = Path(path)
    array = _indices(path)  # (H, W)
    if size is not None and array.shape != tuple(size):
        raise ValueError(
            f"{path}: the label is {array.shape[1]} x {array.shape[0]} px and its image {size[1]} x {size[0]} px:"
            " export the label at the image's size"
        )
    label = in_raster_order(array)
    if array.all() and label.max(initial=0) > 1:
        logger.warning("%s: no pixel is 0: is the ground an id here? It counts as an object", path)
    if label.max(initial=0) == 1 and (pieces := ndimage.label(label)[1]) > 1:
        logger.warning("%s: one id on %d separate pieces: is this a foreground mask, not instance ids?", path, pieces)
    return torch.from_numpy(label[None])


def in_raster_order(label: np.ndarray) -> np.ndarray:
    """Renumber ids 1..n by the objects' centres of mass, from top to bottom, then from left to right.

    Args:
        label: integers (H, W), 0 = background.

    Returns:
        int32 (H, W).
    """
    ids, inverse = np.unique(label, return_inverse=True)
    inverse = inverse.reshape(label.shape)  # (H, W): index into ids
    owner = inverse.ravel()
    rows, columns = (axis.ravel() for axis in np.indices(label.shape))
    area = np.bincount(owner, minlength=len(ids))
    y, x = (np.bincount(owner, axis, len(ids)) / area for axis in (rows, columns))
    order = np.lexsort((x, y))
    order = order[ids[order] != 0]
    new = np.zeros(len(ids), np.int32)
    new[order] = np.arange(1, len(order) + 1)
    return new[inverse]


def _indices(path: Path) -> np.ndarray:
    kind = file_kind(path)
    if kind == "jpeg":
        raise ValueError(f"{path}: a JPEG blurs ids: export the label as PNG or TIFF")
    array = (read_tiff_values(path) if kind == "tiff" else read_indices(path)).array  # (H, W, S)
    if array.shape[-1] != 1:
        raise ValueError(f"{path}: has {array.shape[-1]} channels: a label has one, holding instance ids")
    if array.dtype.kind not in "ui" or array.min(initial=0) < 0:
        raise ValueError(f"{path}: holds {array.dtype} values: a label holds ids, integers of 0 and more")
    return array[..., 0]
