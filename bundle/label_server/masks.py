# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Label masks for clients that want pixels: instance ids, in the format that the client asks for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image
from torch import Tensor

from ..files.atomic import write_whole
from ..files.image_kinds.raster import file_kind
from ..files.writers import write_label
from ..objects.volumes import write_nifti, write_nrrd

SUFFIXES = (".png", ".tif", ".tiff", ".nrrd", ".nii.gz")
MOST_PNG = np.iinfo(np.uint16).max


def mask_suffix(asked: str, image: Path, largest: int) -> str:
    """The ending of a mask.

    Args:
        asked: by the client, "" if not.
        image: the image; a PNG or JPEG gets a PNG (a mask in a JPEG would be spoilt), all else a TIFF.
        largest: id in the mask; more than 16 bit hold go into a TIFF.

    Raises:
        ValueError: the client asks for something else, or for a PNG of too many ids.
    """
    if not asked:
        return ".png" if file_kind(image) in ("png", "jpeg") and largest <= MOST_PNG else ".tif"
    suffix = f".{asked.lower().lstrip('.')}"
    if suffix not in SUFFIXES:
        raise ValueError(f"result_extension is {asked!r}: choose one of {', '.join(SUFFIXES)}")
    if suffix == ".png" and largest > MOST_PNG:
        raise ValueError(f"{largest} objects do not fit a PNG of 16 bit: ask for .tif")
    return suffix


def write_mask(path: Path, label: Tensor, mpp: float | None) -> None:
    """Write a label, int32 (1, H, W), of um per px or None, in the format that the ending of the path says."""
    if path.name.endswith(".nii.gz"):
        write_nifti(path, label, mpp)
    elif path.suffix == ".nrrd":
        write_nrrd(path, label, mpp)
    elif path.suffix == ".png":
        pixels = Image.fromarray(label[0].numpy().astype(np.uint16))
        write_whole(path, lambda stream: pixels.save(stream, format="PNG"))
    else:
        write_label(path, label, mpp)
