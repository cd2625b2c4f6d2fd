# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Pixels as a file holds them: PNG and JPEG through Pillow, 16-bit colour PNG through ITK (TIFF has its own module).

Pillow cuts 16-bit colour PNG to 8 bit without a word, and ITK's plain reader knows no 16-bit RGB pixel, so the kind of
file is read from its first bytes, and 16-bit colour goes through ITK's vector image, which is exact.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import itk
import numpy as np
from PIL import Image
from transforms.budget import MOST_PIXELS, BudgetError, check_budget

SMALLER = "cut it into smaller images, or save it as a tiled TIFF and use `python -m scripts.segment slide`"
UPRIGHT = 1  # EXIF and TIFF orientation: first row on top, first column on the left
EXIF_ORIENTATION = 0x0112
PNG_SIGNATURE, JPEG_SIGNATURE = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"
TIFF_SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")  # classic and BigTIFF

SIDE_SHARE = 0.25  # of the first picture's pixels: a smaller one is a picture beside it
WANTED = "8- or 16-bit unsigned integers"
Image.MAX_IMAGE_PIXELS = MOST_PIXELS  # Pillow refuses above twice as many, `check_pixels` above this

T = TypeVar("T")


@dataclass(frozen=True)
class Raster:
    """Undistorted content of a file, before anyone asks what it is to be used for."""

    array: np.ndarray  # (H, W, S), dtype as stored, S samples per pixel
    alpha: bool = False  # whether the last sample is opacity
    mpp: float | None = None  # um per px, None = unknown
    notes: tuple[str, ...] = ()  # what the file said that was not taken as it stands
    bits: int | None = None  # of a sample, where fewer count than are stored


class ImageFileError(ValueError):
    """An error whose message already names the file and the mend."""


def file_kind(path: Path) -> str:
    """What a file is, "png", "jpeg" or "tiff", by its first bytes and not by its name.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is none of the three.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file")
    with path.open("rb") as stream:
        start = stream.read(8)
    if start == PNG_SIGNATURE:
        return "png"
    if start.startswith(JPEG_SIGNATURE):
        return "jpeg"
    if start[:4] in TIFF_SIGNATURES:
        return "tiff"
    raise ImageFileError(f"{path}: begins with {start!r} and is no PNG, TIFF or JPEG: export it as one of these")


def reading(path: Path, read: Callable[[Path], T]) -> T:
    """`read(path)`, with whatever a decoder throws at damaged bytes turned into one error that names the file."""
    try:
        return read(path)
    except (ImageFileError, BudgetError):
        raise
    except Image.DecompressionBombError as error:
        raise BudgetError(
            f"{path}: an image of more than {2 * MOST_PIXELS:,} px, and at most {MOST_PIXELS:,} are allowed: {SMALLER}"
        ) from error
    except Exception as error:  # a decoder fed with damaged bytes may raise anything
        reason = " ".join(str(error).split())[-200:] or type(error).__name__
        raise ImageFileError(
            f"{path}: cannot be decoded ({reason}): the file is damaged or cut short, or of a rare kind;"
            " copy it again or export it as plain 8- or 16-bit PNG or TIFF"
        ) from error


def check_pixels(path: Path, width: int, height: int) -> None:
    """Refuse an image that is too large to be held whole; ValueError names the file and the mend."""
    mend = SMALLER
    if file_kind(path) == "tiff":
        command = shlex.join(["python", "-m", "scripts.segment", "slide", str(path), "--output", "OUT"])
        mend = f"cut it into smaller images; to segment it, `{command}` reads it part by part"
    check_budget(f"{path}: an image of {width} x {height} px", width * height, MOST_PIXELS, "px", mend)


def refuse_turned(path: Path, orientation: int) -> None:
    """Refuse a file that asks viewers to turn it: points may have been clicked on either version.

    Raises:
        ValueError: the orientation is not upright.
    """
    if orientation not in (0, UPRIGHT):
        raise ImageFileError(
            f"{path}: its orientation tag is {orientation}, so some programs show it turned and others do not, and"
            " nobody can tell which one the points or labels belong to: save it upright, without that tag"
        )


def refuse_several(path: Path, image: Image.Image) -> None:
    """Refuse an animated PNG, and a JPEG of several pictures of like size, such as a stereo pair of a camera.

    A camera's previews and brightness maps are smaller: they are left aside, as every viewer does.

    Args:
        path: the file, for the message.
        image: opened, at its first picture, and left there.

    Raises:
        ValueError: there are several.
    """
    several = image.format == "PNG" and getattr(image, "is_animated", False)
    if several or (image.format == "MPO" and _pictures_of_like_size(image) > 1):
        raise ImageFileError(
            f"{path}: holds several pictures, of which some programs show the first and others all in turn: save the"
            " one that is meant into a file of its own"
        )


def _pictures_of_like_size(image: Image.Image) -> int:
    least, count = SIDE_SHARE * image.width * image.height, 1
    for frame in range(1, getattr(image, "n_frames", 1)):
        try:
            image.seek(frame)
        except (OSError, SyntaxError, ValueError):  # listed, and cut off by a program that wrote the file again
            continue
        count += image.width * image.height >= least
    image.seek(0)
    return count


def read_pillow(path: Path) -> Raster:
    """PNG of at most 8 bits or 16-bit grey, JPEG; palettes are resolved to colours.

    Raises:
        ValueError: damaged, turned, or in a colour space other than grey and RGB.
    """
    return reading(path, _read_colours)


def read_indices(path: Path) -> Raster:
    """As `read_pillow`, but a palette image gives its indices: what a label means by its pixels."""
    return reading(path, _read_indices)


def read_itk(path: Path) -> np.ndarray:
    """16-bit samples of a PNG or TIFF, exactly: uint16 (H, W, S).

    Raises:
        ValueError: damaged, or ITK would cut it to 8 bit.
    """
    return reading(path, _read_itk)


def is_deep_png(path: Path) -> bool:
    """Whether a PNG has 16 bits per sample: byte 24 of the file is its depth."""
    return _png_header(path)[24:25] == b"\x10"


def is_deep_colour(path: Path) -> bool:
    """Whether a PNG has 16 bits per sample and several samples: byte 25 of the file is its colour type, 0 for grey."""
    return is_deep_png(path) and _png_header(path)[25:26] != b"\0"


def _png_header(path: Path) -> bytes:
    with path.open("rb") as stream:
        return stream.read(26)


def _read_colours(path: Path) -> Raster:
    image = _load(path)
    alpha = "A" in image.getbands() or "transparency" in image.info
    if image.mode in ("P", "PA"):
        image = image.convert("RGBA" if alpha else "RGB")
    if image.mode not in ("1", "L", "LA", "I", "I;16", "I;16B", "RGB", "RGBA"):
        raise ImageFileError(f"{path}: its colours are {image.mode}: save it as grey or RGB")
    array = np.atleast_3d(_stored_pixels(image))  # (H, W, S)
    return Raster(array, alpha=array.shape[-1] in (2, 4), notes=("transparency ignored",) if alpha else ())


def _read_indices(path: Path) -> Raster:
    image = _load(path)
    return Raster(np.atleast_3d(_stored_pixels(image))) if image.mode == "P" else _read_colours(path)


def _load(path: Path) -> Image.Image:
    with Image.open(path) as image:
        check_pixels(path, *image.size)
        refuse_several(path, image)
        image.load()
        refuse_turned(path, image.getexif().get(EXIF_ORIENTATION, UPRIGHT))
        return image


def _stored_pixels(image: Image.Image) -> np.ndarray:
    array = np.asarray(image)  # (H, W) or (H, W, S)
    if array.dtype == bool:
        return array.astype(np.uint8) * 255
    if image.mode.startswith("I") and array.min() >= 0 and array.max() < 2**16:  # old Pillow widens 16-bit grey to 32
        return array.astype(np.uint16)
    return array


def _read_itk(path: Path) -> np.ndarray:
    reader = itk.ImageFileReader[itk.VectorImage[itk.US, 2]].New(FileName=str(path))
    reader.UpdateOutputInformation()
    check_pixels(path, *(int(side) for side in reader.GetOutput().GetLargestPossibleRegion().GetSize()))
    reader.Update()
    if reader.GetImageIO().GetComponentSize() != 2:
        raise ValueError("this kind of compression would be cut to 8 bit; `pip install imagecodecs` reads it")
    return np.atleast_3d(itk.array_from_image(reader.GetOutput()))
