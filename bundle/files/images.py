# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The one image loader: a PNG, TIFF or JPEG file to (C, H, W), exact to the last bit of 16, and to float32 in [0, 1].

Rows and columns are taken as they are stored: an image that carries a tag to be shown turned (EXIF of cameras) is
refused, because points and labels may belong to either version.
"""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from torch import Tensor

from .image_kinds.intensities import is_spread, to_float
from .image_kinds.raster import (
    WANTED,
    ImageFileError,
    Raster,
    file_kind,
    is_deep_colour,
    is_deep_png,
    read_itk,
    read_pillow,
)
from .image_kinds.spacing import MICROSCOPIC
from .image_kinds.tiff import is_deep_tiff, read_tiff
from .view import View, Window

logger = logging.getLogger(__name__)

IMAGE_SUFFIXES = (".png", ".tif", ".tiff", ".jpg", ".jpeg")


@dataclass(frozen=True)
class ImageFile:
    """What an image file holds."""

    array: np.ndarray  # (C, H, W) uint8 or uint16, C = 1 (grey) or 3 (RGB)
    mpp: float | None  # um per px by the file's own tags, None = unknown
    notes: tuple[str, ...] = ()  # what in the file was left aside, for a log or a manifest
    bits: int | None = None  # of a 16-bit sample, where the file says how many count


def read_image(path: str | os.PathLike[str], view: View | None = None) -> ImageFile:
    """Read an image: PNG, TIFF or JPEG, grey or RGB, 8 or 16 bit; docs/images.md says what is read as what.

    A palette is resolved to its colours; an alpha channel is dropped with a note.

    Args:
        path: the file; its kind is told from its content.
        view: which channel and plane are meant, where it holds several.

    Returns:
        Pixels (C, H, W) as stored, um per px where TIFF tags say it, and notes, which are logged too.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: damaged or cut short, of two or more than four channels, not 8- or 16-bit, turned, a stack, no
            square pixels, and the view does not settle it; the message names the file and the mend.
    """
    path, view = Path(path), view or View()
    raster = _read_view(path, view)
    array = raster.array[..., :-1] if raster.alpha else raster.array  # (H, W, C)
    if array.dtype not in (np.uint8, np.uint16):
        raise ValueError(f"{path}: its pixels are {array.dtype}: save it as {WANTED}")
    if array.shape[-1] not in (1, 3):
        raise ValueError(f"{path}: has {array.shape[-1]} channels: save it as grey (1) or RGB (3)")
    for note in raster.notes:
        logger.info("%s: %s", path, note)
    return ImageFile(np.ascontiguousarray(np.moveaxis(array, -1, 0)), raster.mpp, raster.notes, raster.bits)


def _read_view(path: Path, view: View) -> Raster:
    kind = file_kind(path)
    if kind == "tiff":
        return read_tiff(path, view)
    return _of_view(path, _read_flat(path, kind), view)


def _read_flat(path: Path, kind: str) -> Raster:
    if kind == "png" and is_deep_colour(path):
        array = read_itk(path)
        alpha = array.shape[-1] in (2, 4)
        return Raster(array, alpha, notes=("transparency ignored",) if alpha else ())
    return read_pillow(path)


def _of_view(path: Path, raster: Raster, view: View) -> Raster:
    """The channel that is meant of a file that holds one plane, and is declared as grey or RGB."""
    if view.plane:
        raise ImageFileError(f"{path}: has no plane {view.plane}: it is one flat image, plane 0")
    if not isinstance(view.channel, int):
        return raster
    count = raster.array.shape[-1] - raster.alpha
    if view.channel >= count:
        raise ImageFileError(f"{path}: has {count} channels: channel {view.channel} is none of 0 to {count - 1}")
    chosen = raster.array[..., view.channel : view.channel + 1]
    return Raster(chosen, mpp=raster.mpp, notes=raster.notes, bits=raster.bits)


def is_deep(path: Path) -> bool:
    """Whether an image has more than 8 bits a sample, told without reading its pixels; errors as `read_image`."""
    kind = file_kind(path)
    return is_deep_png(path) if kind == "png" else kind == "tiff" and is_deep_tiff(path)


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


def load_image(
    path: str | os.PathLike[str],
    channels: int = 3,
    mpp: float | None = None,
    view: View | None = None,
    common: Window | None = None,
) -> LoadedImage:
    """Read an image, check its channels and scale it.

    Args:
        path: the file.
        channels: 1 or 3, what the networks are configured for. Grey stored as RGB counts as either.
        mpp: um per px that the user states; it goes before the file's tags, with a warning where they differ.
        view: which channel, plane and intensities are meant.
        common: of 16-bit intensities, what becomes 0 and 1 in all images that are looked at together; not for 8-bit
            ones spread over 16 bits, and not where the view states intensities.

    Raises:
        FileNotFoundError, ValueError: as `read_image`; the channels are not those configured; mpp is not positive.
    """
    file = read_image(path, view)
    chosen = replace(file, array=select_channels(file.array, channels, path))
    image, window = to_unit_range(chosen, common, view.intensity if view else None)
    return LoadedImage(image, _stated_or_tagged(mpp, file.mpp, path), window)


def to_unit_range(file: ImageFile, common: Window | None = None, stated: Window | None = None) -> tuple[Tensor, Window]:
    """Pixels in [0, 1], and the stored intensities that became 0 and 1.

    Args:
        file: what was read.
        common: as `load_image`.
        stated: what becomes 0 and 1, whatever the pixels are.
    """
    if stated is None and file.array.dtype == np.uint16 and not is_spread(file.array):
        stated = common
    return to_float(file.array, stated, file.bits)


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
