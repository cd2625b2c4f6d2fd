# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""How often each image of a data set is learnt from: shares.csv, beside images/ and points/.

    image,share
    a,2
    b,0.5

Twice the share is twice as many crops. Without the file all images are alike.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from ..files.csv_table import read_by_image, read_table

SHARES = "shares.csv"
HEADER = "image,share"


def read_shares(path: Path, images: Collection[str]) -> dict[str, float]:
    """Read the share of every image.

    Args:
        path: CSV file (UTF-8, commas) with the columns image and share, in capitals or not; more columns are ignored.
        images: base names of the images that are there; each must be listed.

    Returns:
        Base name -> share, above 0; only how they compare matters.

    Raises:
        ValueError: a column is missing; an image does not exist, is listed twice or not at all; a share is no positive
            number; the message names file and line.
    """
    table = read_table(path, HEADER)
    names = [name.strip().lower() for name in table[0]]
    if names.count("image") != 1 or names.count("share") != 1:
        raise ValueError(
            f"{path}, line 1: the header is {','.join(table[0])!r}: it must name one column image and one column share,"
            f" separated by commas, as in {HEADER!r}"
        )
    found = read_by_image(path, table, (names.index("image"), names.index("share")), images)
    if missing := [name for name in images if name not in found]:
        raise ValueError(f"{path}: {len(missing)} images are not listed, {', '.join(missing[:5])}: give each its share")
    return found
