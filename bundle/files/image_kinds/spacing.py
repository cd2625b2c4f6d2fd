# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Um per px of a picture, from whatever says it: one list of units, one bound of what is believed, one square check."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from .raster import ImageFileError

MICROSCOPIC = (0.01, 10.0)  # um per px; a tag beyond is a printer's 72 or 300 dpi, not a spacing
SQUARE = 0.01  # relative difference of x and y up to which pixels count as square

_NAMES: Mapping[float, str] = {  # um -> how programs spell the unit; both mu of Unicode, and ImageJ's escape of one
    1e-6: "pm picometer picometre",
    1e-4: "\u00e5 angstrom",
    1e-3: "nm nanometer nanometre",
    1.0: "um \u00b5m \u03bcm \\u00b5m micron micrometer micrometre",
    1e3: "mm millimeter millimetre",
    1e4: "cm centimeter centimetre",
    1e5: "dm decimeter decimetre",
    1e6: "m meter metre",
    1e9: "km kilometer kilometre",
    25.4: "thou mil",
    25_400.0: "in inch inche",  # "inches" without its s
    304_800.0: "ft foot feet",
}
_UM = {name: um for um, names in _NAMES.items() for name in names.split()}
NO_LENGTH = ("", "pixel", "pixels", "px", "reference frame", "none")  # what stands where no unit is known


def um_of_unit(unit: str) -> float | None:
    """How many um a unit of length has, by its name or sign, in singular or plural; None where it is no length.

    >>> um_of_unit("microns"), um_of_unit("mm"), um_of_unit("pixel")
    (1.0, 1000.0, None)
    """
    name = unit.strip().lower()
    return _UM.get(name, _UM.get(name.removesuffix("s")) if len(name) > 3 else None)


def one_spacing(path: Path, x: float | None, y: float | None, source: str) -> tuple[float | None, list[str]]:
    """The um per px of square pixels.

    Args:
        path: the file, for messages.
        x: um per px along x; None or 0: not said.
        y: along y; None or 0: taken for as large.
        source: what says it, such as "its resolution tags".

    Returns:
        (None, []) where nothing is said: unknown is a state of its own, not 1. Beyond any microscope's range it is
        unknown too, with a note that says so.

    Raises:
        ValueError: the pixels are not square.
    """
    if not x:
        return None, []
    if not MICROSCOPIC[0] <= x <= MICROSCOPIC[1]:
        return None, [f"{source}: {x:g} um per px ignored: no microscope's, so the spacing is unknown"]
    if y and abs(x / y - 1) > SQUARE:
        raise ImageFileError(
            f"{path}: pixels are not square ({x:g} x {y:g} um by {source}): resample the image to square pixels, or"
            " correct what it says"
        )
    return x, []
