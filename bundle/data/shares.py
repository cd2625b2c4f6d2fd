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

from ..files.csv_table import read_of_all_images

SHARES = "shares.csv"


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
    return read_of_all_images(path, "share", images, "its share")
