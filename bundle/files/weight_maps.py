# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Weight files: how far each pixel of a label is to be trusted, as an 8-bit grey TIFF, 0 = not at all, 255 = wholly."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from .image_kinds.tiff import read_tiff
from .writers import write_tiff


def write_weight(path: str | os.PathLike[str], weight: Tensor, mpp: float | None = None) -> None:
    """Write a weight map.

    Args:
        path: the file, `.tif`.
        weight: float (1, H, W) in [0, 1], kept to 1/255.
        mpp: um per px for the resolution tags; None, unknown, writes no unit.
    """
    write_tiff(path, (weight[0] * 255 + 0.5).to(torch.uint8).numpy(), "minisblack", mpp)


def read_weight(path: str | os.PathLike[str], size: tuple[int, int]) -> Tensor:
    """Read a weight map.

    Args:
        path: a file that `write_weight` wrote, or another 8-bit grey TIFF.
        size: (H, W) of the image that it belongs to, px.

    Returns:
        float32 (1, H, W) in [0, 1].

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: damaged, not 8-bit grey, or of another size than the image.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file: make the labels and their weights again")
    array = read_tiff(path).array  # (H, W, S)
    if array.dtype != np.uint8 or array.shape != (*size, 1):
        raise ValueError(
            f"{path}: holds {array.dtype} of shape {array.shape}: the weights of an image of {size[1]} x {size[0]} px"
            " are 8-bit grey of that size; make the labels and their weights again"
        )
    return torch.from_numpy(array[..., 0].astype(np.float32) / 255)[None]
