# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Small pictures for the page: crops, outlines, points and coloured labels, as data that the page holds itself."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
from PIL import Image

from ..files.pictures import load_rgb, resize

T = TypeVar("T")


def typical_window(label: np.ndarray, size: int) -> tuple[slice, slice]:
    """A window of at most size x size px that holds about the same share of objects as the whole image.

    Args:
        label: ids (H, W).
        size: side in px.

    Returns:
        Rows and columns. Of the windows on a grid, the one whose foreground comes closest to the image's.
    """
    height, width = (min(size, side) for side in label.shape)
    foreground = label > 0
    windows = [
        (slice(top, top + height), slice(left, left + width))
        for top in range(0, label.shape[0] - height + 1, max(height // 2, 1))
        for left in range(0, label.shape[1] - width + 1, max(width // 2, 1))
    ]
    return min(windows, key=lambda window: abs(foreground[window].mean() - foreground.mean()))


def embed(picture: np.ndarray, photo: bool = True) -> str:
    """A picture uint8 (H, W, 3) as a data address: JPEG for a photograph, PNG for flat colours."""
    buffer = io.BytesIO()
    if photo:
        Image.fromarray(picture).save(buffer, "JPEG", quality=88, subsampling=0)
    else:
        Image.fromarray(picture).save(buffer, "PNG", optimize=True)
    return f"data:image/{'jpeg' if photo else 'png'};base64,{base64.b64encode(buffer.getvalue()).decode()}"


def thumbnail(path: Path, longest: int) -> np.ndarray:
    """An image file as uint8 (H, W, 3), shrunk so that its longer side has at most `longest` px."""
    picture = load_rgb(path)
    scale = min(1.0, longest / max(picture.shape[:2]))
    return resize(picture, (max(round(picture.shape[0] * scale), 1), max(round(picture.shape[1] * scale), 1)))


def evenly_chosen(items: Sequence[T], count: int) -> list[T]:
    """At most `count` of the items, evenly spread from the first to the last."""
    if len(items) <= count:
        return list(items)
    return [items[round(index * (len(items) - 1) / max(count - 1, 1))] for index in range(count)]
