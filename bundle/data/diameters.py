# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The typical diameter of an object as a user states it: in um, or in px of the images as they are on disk.

One for all images comes with the command, and diameters.csv in a data set says where an image has its own:

    image,diameter_um          (or: image,diameter_px)
    a,9.5
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ..files.csv_table import read_by_image, read_table

DIAMETERS = "diameters.csv"
HEADER = "image,diameter_um"
STATED = re.compile(r"(?P<value>.*?)\s*(?P<unit>um|\u00b5m|\u03bcm|px)?", re.IGNORECASE)  # with either mu of Unicode


@dataclass(frozen=True)
class Diameter:
    """A typical diameter.

    Args:
        value: a positive number.
        unit: "um", or "px" of the image as it is on disk.
    """

    value: float
    unit: Literal["um", "px"] = "um"

    def um(self, image_mpp: float | None, mpp: float) -> float:
        """In um.

        Args:
            image_mpp: um per px of the image; None: unknown, and then its px are the model's.
            mpp: the model's spacing, um per px.
        """
        return self.value if self.unit == "um" else self.value * (mpp if image_mpp is None else image_mpp)


def parse_diameter(text: str) -> Diameter:
    """Read a diameter as it is typed: "8", "8um" and "8 um" are um, "24px" and "24 px" are px.

    Raises:
        ValueError: it is no positive number with such a unit.
    """
    found = STATED.fullmatch(text.strip())
    try:
        value = float(found["value"]) if found else math.nan
    except ValueError:
        value = math.nan
    if not (found and 0 < value < math.inf):
        raise ValueError(
            f"diameter is {text!r}: give the typical diameter of an object as a positive number of um, such as 8, or of"
            " px of the images as they are on disk, such as 24px"
        )
    return Diameter(value, "px" if (found["unit"] or "").lower() == "px" else "um")


def read_diameters(path: Path, images: Collection[str]) -> dict[str, Diameter]:
    """Read the diameters of single images.

    Args:
        path: CSV file (UTF-8, commas) with the columns image and either diameter_um or diameter_px, in capitals or not;
            more columns are ignored.
        images: base names of the images that are there; not every one need be listed.

    Returns:
        Base name -> typical diameter, for the images listed.

    Raises:
        ValueError: a column is missing, an image does not exist or is listed twice, or a value is no positive number;
            the message names file and line.
    """
    table = read_table(path, HEADER)
    columns, unit = _diameter_columns(path, table[0])
    return {name: Diameter(value, unit) for name, value in read_by_image(path, table, columns, images).items()}


def _diameter_columns(path: Path, header: list[str]) -> tuple[tuple[int, int], Literal["um", "px"]]:
    names = [name.strip().lower() for name in header]
    if names.count("image") != 1 or names.count("diameter_um") + names.count("diameter_px") != 1:
        raise ValueError(
            f"{path}, line 1: the header is {','.join(header)!r}: it must name one column image and one column"
            f" diameter_um or diameter_px, separated by commas, as in {HEADER!r}"
        )
    unit: Literal["um", "px"] = "um" if "diameter_um" in names else "px"
    return (names.index("image"), names.index(f"diameter_{unit}")), unit
