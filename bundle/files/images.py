# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The one image loader: a PNG, TIFF or JPEG file to (C, H, W), exact to the last bit of 16, and to float32 in [0, 1].

Rows and columns are taken as they are stored: an image that carries a tag to be shown turned (EXIF of cameras) is
refused, because points and labels may belong to either version.
"""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from .raster import Raster, file_kind, is_deep_colour, read_itk, read_pillow
from .tiff import MICROSCOPIC, read_tiff

logger = logging.getLogger(__name__)

PERCENTILES = (0.1, 99.9)  # of a 16-bit image's intensities: these become 0 and 1
IMAGE_SUFFIXES = (".png", ".tif", ".tiff", ".jpg", ".jpeg")
Window = tuple[float, float]  # intensities as stored that become 0 and 1


@dataclass(frozen=True)
class ImageFile:
    """What an image file holds."""

    array: np.ndarray  # (C, H, W) uint8 or uint16, C = 1 (grey) or 3 (RGB)
    mpp: float | None  # um per px by the file's own tags, None = unknown
    notes: tuple[str, ...] = ()  # what in the file was left aside, for a log or a manifest


def read_image(path: str | os.PathLike[str]) -> ImageFile:
    """Read an image: PNG, TIFF or JPEG, grey or RGB, 8 or 16 bit.

    A palette is resolved to its colours; an alpha channel is dropped with a note.

    Args:
        path: the file; its kind is told from its content.

    Returns:
        Pixels (C, H, W) as stored, um per px where TIFF tags say it, and notes, which are logged too.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: damaged or cut short, of two or more than four channels, not 8- or 16-bit, turned, a stack, no
            square pixels; the message names the file and the mend.
    """
    path = Path(path)
    raster = _read(path)
    array = raster.array[..., :-1] if raster.alpha else raster.array  # (H, W, C)
    if array.dtype not in (np.uint8, np.uint16):
        raise ValueError(f"{path}: its pixels are {array.dtype}: save it as 8- or 16-bit unsigned integers")
    if array.shape[-1] not in (1, 3):
        raise ValueError(f"{path}: has {array.shape[-1]} channels: save it as grey (1) or RGB (3)")
    for note in raster.notes:
        logger.info("%s: %s", path, note)
    return ImageFile(np.ascontiguousarray(np.moveaxis(array, -1, 0)), raster.mpp, raster.notes)


def _read(path: Path) -> Raster:
    kind = file_kind(path)
    if kind == "tiff":
        return read_tiff(path)
    if kind == "png" and is_deep_colour(path):
        array = read_itk(path)
        alpha = array.shape[-1] in (2, 4)
        return Raster(array, alpha, notes=("transparency ignored",) if alpha else ())
    return read_pillow(path)


def to_float(
    array: np.ndarray, percentiles: tuple[float, float] = PERCENTILES, window: Window | None = None
) -> tuple[Tensor, Window]:
    """Scale stored intensities to [0, 1]: 8 bit by 255, 16 bit so that two percentiles become 0 and 1.

    Args:
        array: uint8 or uint16 (C, H, W).
        percentiles: low and high, in percent, over all channels together (so hues stay); 8 bit does not use them.
        window: intensities that become 0 and 1, in place of percentiles: those kept from an earlier call.

    Returns:
        float32 (C, H, W) in [0, 1], and the window used, to be kept in a manifest.

    Raises:
        ValueError: neither uint8 nor uint16, or a window without width.
    """
    if array.dtype not in (np.uint8, np.uint16):
        raise ValueError(f"pixels are {array.dtype}: to_float takes uint8 or uint16")
    low, high = window or intensity_window(array, percentiles)
    if not low < high:
        raise ValueError(f"window {low:g} to {high:g} has no width: the first number must be the smaller one")
    scaled = (array.astype(np.float32) - np.float32(low)) / np.float32(high - low)
    return torch.from_numpy(np.clip(scaled, 0, 1)), (low, high)


def intensity_window(array: np.ndarray, percentiles: tuple[float, float] = PERCENTILES) -> Window:
    """Intensities that become 0 and 1: 0 and 255 of 8 bit; percentiles of 16 bit, or its full range if it is blank."""
    full = (0.0, float(np.iinfo(array.dtype).max))
    if array.dtype == np.uint8:
        return full
    low, high = (float(value) for value in np.percentile(array, percentiles))
    return (low, high) if low < high else full


@dataclass(frozen=True)
class LoadedImage:
    """An image in the form that all parts of the project exchange."""

    image: Tensor  # float32 (C, H, W) in [0, 1]
    mpp: float | None  # um per px, None = unknown
    window: Window  # stored intensities that became 0 and 1

    @property
    def size(self) -> tuple[int, int]:
        """(H, W), px."""
        return self.image.shape[-2], self.image.shape[-1]


def load_image(path: str | os.PathLike[str], channels: int = 3, mpp: float | None = None) -> LoadedImage:
    """Read an image, check its channels and scale it.

    Args:
        path: the file.
        channels: 1 or 3, what the networks are configured for. Grey stored as RGB counts as either.
        mpp: um per px that the user states; it goes before the file's tags, with a warning where they differ.

    Raises:
        FileNotFoundError, ValueError: as `read_image`; the channels are not those configured; mpp is not positive.
    """
    file = read_image(path)
    image, window = to_float(select_channels(file.array, channels, path))
    return LoadedImage(image, _stated_or_tagged(mpp, file.mpp, path), window)


def select_channels(array: np.ndarray, channels: int, path: str | os.PathLike[str]) -> np.ndarray:
    """(C, H, W) -> (channels, H, W); three equal channels are one.

    Raises:
        ValueError: a grey image where RGB is configured, or a coloured one where grey is.
    """
    if channels not in (1, 3):
        raise ValueError(f"channels is {channels}: choose 1 (grey) or 3 (RGB)")
    if array.shape[0] == channels:
        return array
    if channels == 3:
        raise ValueError(
            f"{path}: a grey image where RGB is configured (channels 3): where all images are grey, train with"
            " --variant grey (channels 1); otherwise save this one as RGB"
        )
    if (array[:1] != array[1:]).any():
        raise ValueError(
            f"{path}: a colour image where grey is configured (channels 1): where images are in colour, train without"
            " --variant grey (channels 3); otherwise save this one as grey"
        )
    return array[:1]


def check_mpp(mpp: float | None) -> float | None:
    """Pass on a spacing in um per px, None = unknown.

    Raises:
        ValueError: it is no number, or no microscope's.
    """
    low, high = MICROSCOPIC
    if mpp is not None and not (isinstance(mpp, int | float) and low <= mpp <= high):
        raise ValueError(
            f"mpp is {mpp!r}: give um (not nm) per px as a positive number from {low:g} to {high:g}, such as 0.25, or"
            " leave it out"
        )
    return mpp


def _stated_or_tagged(stated: float | None, tagged: float | None, path: str | os.PathLike[str]) -> float | None:
    check_mpp(stated)
    if stated is None:
        return tagged
    if tagged is not None and abs(stated / tagged - 1) > 0.02:
        logger.warning("%s: its tags say %g um per px; the stated %g is used", path, tagged, stated)
    return float(stated)
