# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Images and labels to files: the one way they are written, lossless, each file whole or not there at all."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import tifffile
from monai.config import NdarrayOrTensor
from monai.utils import convert_to_numpy
from PIL import Image

from .atomic import write_whole


def label_dtype(label: np.ndarray) -> type[np.unsignedinteger]:
    """uint16 as long as every id fits, else uint32."""
    return np.uint16 if label.max(initial=0) <= np.iinfo(np.uint16).max else np.uint32


def write_label(path: str | os.PathLike[str], label: NdarrayOrTensor, mpp: float | None = None) -> None:
    """Write a label as grey TIFF, losslessly compressed.

    Args:
        path: the file, `.tif`.
        label: integers (1, H, W), 0 = background; uint16 in the file, uint32 past 65,535.
        mpp: um per px for the resolution tags; None, unknown, writes no unit.
    """
    ids = convert_to_numpy(label)[0]  # (H, W)
    write_tiff(path, ids.astype(label_dtype(ids)), "minisblack", mpp)


def write_image(path: str | os.PathLike[str], image: np.ndarray, mpp: float | None = None) -> None:
    """Write an image as TIFF, losslessly compressed.

    Args:
        path: the file, `.tif`.
        image: uint8 or uint16 (C, H, W), C = 1 or 3.
        mpp: um per px for the resolution tags; None, unknown, writes no unit.
    """
    pixels = image[0] if len(image) == 1 else np.moveaxis(image, 0, -1)
    write_tiff(path, pixels, "minisblack" if len(image) == 1 else "rgb", mpp)


def write_tiff(path: str | os.PathLike[str], pixels: np.ndarray, photometric: str, mpp: float | None) -> None:
    """Write (H, W) or (H, W, 3) with resolution tags where the spacing is known."""
    tags: dict[str, Any] = {} if mpp is None else {"resolution": (1e4 / mpp, 1e4 / mpp), "resolutionunit": "CENTIMETER"}
    write_whole(path, lambda file: tifffile.imwrite(file, pixels, photometric=photometric, compression="zlib", **tags))


def write_png(path: str | os.PathLike[str], image: np.ndarray) -> None:
    """Write uint8 (H, W, 3) as PNG."""
    write_whole(path, lambda stream: Image.fromarray(image).save(stream, format="PNG"))
