# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""From amounts of stain to the pixels of a camera: Beer-Lambert law, blur of the lens, uneven light, sensor noise.

Stain vectors start from Ruifrok and Johnston (2001) and from what scanners record, and differ from image to image as
laboratories differ.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter

from .texture import gaussian_field

HAEMATOXYLIN = np.array([0.66, 0.66, 0.36])  # optical density in R, G, B per unit of stain
EOSIN = np.array([0.17, 0.83, 0.53])
BLOOD = np.array([0.10, 0.70, 0.70])  # red cells: more orange than eosin
PIGMENT = np.array([0.50, 0.58, 0.64])  # brown to black
STAINS = ("haematoxylin", "eosin", "blood", "pigment")


def draw_stains(rng: np.random.Generator) -> np.ndarray:
    """Optical density per unit of each of STAINS, (4, 3): direction and strength vary from image to image."""
    vectors = np.stack([HAEMATOXYLIN, EOSIN, BLOOD, PIGMENT])
    vectors = np.maximum(vectors + rng.normal(0, 0.045, vectors.shape) * [[1], [1], [0.5], [0.5]], 0.03)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    strength = np.exp(rng.normal(0, [0.14, 0.16, 0.10, 0.10]))
    return (vectors * strength[:, None]).astype(np.float32)


def expose(rng: np.random.Generator, amounts: np.ndarray, um: float) -> np.ndarray:
    """Photograph a stained section.

    Args:
        rng: source of randomness.
        amounts: (4, H, W), how much of each of STAINS lies at a pixel.
        um: px per um.

    Returns:
        uint8 (3, H, W), RGB.
    """
    size = amounts.shape[1:]
    density = np.einsum("khw,kc->chw", np.maximum(amounts, 0), draw_stains(rng))  # (3, H, W)
    light = 1 + 0.02 * gaussian_field(rng, size, 0.6 * max(size)) + np.zeros((3, 1, 1), np.float32)
    white = np.array(rng.uniform([0.93, 0.92, 0.93], [0.985, 0.98, 0.985]), np.float32)[:, None, None]
    image = white * light * np.exp(-density)  # transmitted light, 0..1
    blur = um * rng.uniform(0.17, 0.36)
    image = gaussian_filter(image, (0, blur, blur), mode="nearest")
    shot = rng.standard_normal(image.shape, dtype=np.float32) * np.sqrt(image) * rng.uniform(0.006, 0.016)
    speckle = gaussian_filter(shot, (0, 0.45, 0.45)) * 1.4  # a camera's demosaicing spreads noise
    return np.clip(np.rint((image + speckle) * 255), 0, 255).astype(np.uint8)
