# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Outlines of objects over the image they were found in, to look at."""

from __future__ import annotations

import numpy as np
from monai.config import NdarrayOrTensor
from monai.utils import convert_to_numpy
from skimage.segmentation import find_boundaries

# neighbours rarely share a colour, and all of them stand out against pink and purple
COLOURS = np.array([[0, 255, 0], [255, 255, 0], [0, 255, 255], [255, 160, 0], [160, 255, 120]], np.uint8)


def overlay(image: NdarrayOrTensor, label: NdarrayOrTensor) -> np.ndarray:
    """Draw the outlines, one px wide and inside each object.

    Args:
        image: float (C, H, W) in [0, 1], C = 1 or 3.
        label: integers (1, H, W), 0 = background.

    Returns:
        uint8 (H, W, 3), RGB.

    Raises:
        ValueError: image and label differ in size.
    """
    pixels, ids = convert_to_numpy(image), convert_to_numpy(label)[0]
    if pixels.shape[1:] != ids.shape:
        raise ValueError(f"image {pixels.shape} and label (1, {ids.shape[0]}, {ids.shape[1]}) differ in size")
    canvas = np.rint(np.clip(pixels, 0, 1) * 255).astype(np.uint8).transpose(1, 2, 0)  # (H, W, C)
    canvas = np.repeat(canvas, 3 // canvas.shape[2], axis=2)
    edge = find_boundaries(ids, mode="inner", background=0)
    canvas[edge] = COLOURS[ids[edge] % len(COLOURS)]
    return canvas
