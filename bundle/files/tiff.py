# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""TIFF: exact pixels of any bit depth, and um per px from the resolution tags.

tifffile reads pixels and tags; a compression that it leaves to the package imagecodecs (LZW, JPEG) is decoded by Pillow
(8 bit) or ITK (16 bit) when that package is not there. ITK is not asked for the spacing: it says 1.0 where none is.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from tifffile import TiffPage

from .raster import UPRIGHT, ImageFileError, Raster, read_itk, read_pillow, reading, refuse_turned

MINISWHITE, MINISBLACK, RGB, PALETTE, YCBCR = 0, 1, 2, 3, 6
JPEG_COMPRESSIONS = (6, 7)
UM_PER_UNIT = {2: 25_400.0, 3: 10_000.0}  # ResolutionUnit: inch, centimetre
UM_PER_IMAGEJ_UNIT = {"nm": 1e-3, "um": 1.0, "\u00b5m": 1.0, "\u03bcm": 1.0, "\\u00b5m": 1.0, "micron": 1.0, "mm": 1e3}
MICROSCOPIC = (0.01, 10.0)  # um per px; a tag beyond is a printer's 72 or 300 dpi, not a spacing
SQUARE = 0.01  # relative difference of x and y up to which pixels count as square


def read_tiff(path: Path) -> Raster:
    """Read the one image in a TIFF file; smaller copies of it (pyramid levels, thumbnails) are left aside.

    Raises:
        ValueError: damaged, a stack, turned, pixels that are not square, or in a colour space other than grey and RGB.
    """
    return reading(path, _read_tiff)


def _read_tiff(path: Path) -> Raster:
    with tifffile.TiffFile(path) as tiff:
        pages = [page.aspage() for page in tiff.pages]
        if not pages:
            raise ImageFileError(f"{path}: holds no image: copy or export it again")
        page, notes = pages[0], []
        if any(not other.is_reduced for other in pages[1:]):
            raise ImageFileError(f"{path}: a stack of {len(pages)} images: write each into a file of its own")
        if len(pages) > 1:
            notes.append(f"{len(pages) - 1} reduced copies inside the file ignored")
        refuse_turned(path, _tag(page, "Orientation", UPRIGHT))
        mpp, doubt = spacing(path, page, (tiff.imagej_metadata or {}) if tiff.is_imagej else {})
        raster = _decode(path, page)
    return Raster(raster.array, raster.alpha, mpp, (*raster.notes, *notes, *doubt))


def spacing(path: Path, page: TiffPage, imagej: dict[str, Any]) -> tuple[float | None, list[str]]:
    """Um per px from XResolution, YResolution and ResolutionUnit (or ImageJ's unit), and why a tag was not believed.

    Returns:
        (None, []) where there is no tag or no unit: unknown is a state of its own, not 1.

    Raises:
        ValueError: pixels are not square.
    """
    unit = int(_tag(page, "ResolutionUnit", 2))  # the standard's default is inch
    um = UM_PER_UNIT.get(unit) or UM_PER_IMAGEJ_UNIT.get(str(imagej.get("unit", "")).strip().lower())
    x, y = (_per_unit(page, name) for name in ("XResolution", "YResolution"))
    if not x or not um:
        return None, []
    mpp = um / x
    if not MICROSCOPIC[0] <= mpp <= MICROSCOPIC[1]:
        return None, [f"resolution tag of {mpp:g} um per px ignored: no microscope's, so the spacing is unknown"]
    if y and abs(x / y - 1) > SQUARE:
        raise ImageFileError(
            f"{path}: pixels are not square ({mpp:g} x {um / y:g} um by its resolution tags): resample the image to"
            " square pixels, or correct the tags"
        )
    return mpp, []


def _per_unit(page: TiffPage, name: str) -> float:
    numerator, denominator = _tag(page, name, (0, 1))
    return numerator / denominator if denominator else 0.0


def _tag(page: TiffPage, name: str, default: Any) -> Any:
    tag = page.tags.get(name)
    return default if tag is None else tag.value


def _decode(path: Path, page: TiffPage) -> Raster:
    photometric, compression = int(page.photometric), int(page.compression)
    known = photometric in (MINISWHITE, MINISBLACK, RGB, PALETTE)
    if not known and not (photometric == YCBCR and compression in JPEG_COMPRESSIONS):
        raise ImageFileError(f"{path}: its colours are {page.photometric!r}: save it as grey or RGB")
    try:
        array = page.asarray()
    except ValueError as error:
        if "imagecodecs" not in str(error):
            raise
        if page.bitspersample != 16:
            return read_pillow(path)
        array = read_itk(path)
    return _in_order(page, array)


def _in_order(page: TiffPage, array: np.ndarray) -> Raster:
    """Samples last, light bright, palette resolved."""
    if page.axes.startswith("S") and array.ndim == 3 and array.shape[0] == page.samplesperpixel:
        array = np.moveaxis(array, 0, -1)  # stored as one plane per sample
    array = np.atleast_3d(array)  # (H, W, S)
    if array.dtype == bool:
        array = array.astype(np.uint8) * 255
    if page.photometric == MINISWHITE and array.dtype.kind == "u":
        array = np.iinfo(array.dtype).max - array
    if page.photometric == PALETTE and page.colormap is not None:
        array = (np.moveaxis(page.colormap[:, array[..., 0]], 0, -1) >> 8).astype(np.uint8)  # 16-bit colours
    declared = bool(page.extrasamples) and int(page.extrasamples[-1]) in (1, 2)
    alpha = array.shape[-1] == 4 or (array.shape[-1] == 2 and declared)
    return Raster(array, alpha, notes=("transparency ignored",) if alpha else ())
