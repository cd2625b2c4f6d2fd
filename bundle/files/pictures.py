# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Pictures for people: images as RGB, with outlines, points and coloured labels."""

from __future__ import annotations

import colorsys
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw
from skimage.segmentation import find_boundaries

from .image_kinds.intensities import to_float
from .images import read_image

Colour = tuple[int, int, int]
TRUTH: Colour = (0, 190, 255)  # blue against yellow: told apart by colour-blind eyes, and both far from stained tissue
PREDICTION: Colour = (255, 225, 0)
BACKGROUND: Colour = (24, 26, 34)


def load_rgb(path: str | Path) -> np.ndarray:
    """An image file as uint8 (H, W, 3); 16 bit by the rule of `intensities`, grey as equal channels."""
    file = read_image(path)
    image, _ = to_float(file.array, bits=file.bits)  # (C, H, W)
    pixels = (image * 255).round().byte().numpy().transpose(1, 2, 0)  # (H, W, C)
    return np.broadcast_to(pixels, (*pixels.shape[:2], 3)).copy()


def resize(picture: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A picture uint8 (H, W, 3) at another size (height, width), smoothly."""
    return np.asarray(Image.fromarray(picture).resize((size[1], size[0]), Image.Resampling.BICUBIC))


def enlarge_label(label: np.ndarray, scale: int) -> np.ndarray:
    """Ids (H, W) with every pixel as scale x scale."""
    return np.repeat(np.repeat(label, scale, axis=0), scale, axis=1)


def outlined(picture: np.ndarray, label: np.ndarray, colour: Colour) -> np.ndarray:
    """The picture uint8 (H, W, 3) with the outlines of the objects of a label (H, W), two pixels wide."""
    result = picture.copy()
    result[find_boundaries(label, mode="thick")] = colour
    return result


def dotted(picture: np.ndarray, points: np.ndarray, radius: float = 3.0) -> np.ndarray:
    """The picture uint8 (H, W, 3) with points (N, 2) as white disks with a dark rim, radius in its px."""
    image = Image.fromarray(picture)
    draw = ImageDraw.Draw(image)
    for x, y in points.tolist():
        draw.ellipse([x - radius, y - radius, x + radius, y + radius], fill=(255, 255, 255), outline=(0, 0, 0))
    return np.asarray(image)


def coloured(label: np.ndarray) -> np.ndarray:
    """A label (H, W) as a picture uint8 (H, W, 3): neighbouring ids in unlike colours, on a dark ground."""
    hues = (np.arange(1, label.max(initial=0) + 1) * 0.61803398875) % 1  # the golden ratio spreads hues evenly
    colours = [BACKGROUND, *(tuple(int(255 * part) for part in colorsys.hsv_to_rgb(hue, 0.55, 0.95)) for hue in hues)]
    return np.array(colours, dtype=np.uint8)[label]
