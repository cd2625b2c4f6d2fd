# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Images of a data set whose 16-bit range is stated: scaled by it, and refused where they have another kind."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from ..files.images import LoadedImage, load_image
from ..files.view import Window

INTENSITY = "intensity"  # in the dictionary of an item


def load_scaled(
    path: str | os.PathLike[str], channels: int, mpp: float | None, intensity: Window | None
) -> LoadedImage:
    """Read an image as `load_image` does, its 16-bit intensities by a stated range.

    Args:
        path: the file.
        channels: 1 or 3.
        mpp: um per px; None: what the file says.
        intensity: stored intensities that become 0 and 1; None: none is stated.

    Raises:
        FileNotFoundError, ValueError: as `load_image`; a range is stated, and these are 8-bit intensities.
    """
    loaded = load_image(path, channels, mpp, common=intensity)
    if intensity is not None and loaded.window != intensity:
        raise ValueError(
            f"{path}: has 8-bit intensities, and {intensity[0]:g},{intensity[1]:g} is stated, which is a range of 16"
            " bit: leave intensity out where images have 8 bits, and keep both kinds in data sets of their own"
        )
    return loaded


def load_item(item: Mapping[str, Any], channels: int, mpp: float | None) -> LoadedImage:
    """The image of a MONAI item, {"image": path}, by the range under "intensity" where it has one."""
    return load_scaled(item["image"], channels, mpp, item.get(INTENSITY))
