# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""A data folder whose images are of different um per px and do not say it: the same folder with the spacing in tags.

A CSV file says what each image has; --mpp, the other way to state it, is one number for all images.

    image,mpp
    a,0.25
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection, Iterable
from pathlib import Path

from ..files.csv_table import read_of_all_images
from ..files.images import check_mpp, read_image
from ..files.writers import write_image
from .items import Item, scan

COPIED = ("split.json", "diameters.csv", "shares.csv")  # beside points and labels


def read_spacings(path: Path, images: Collection[str]) -> dict[str, float]:
    """Read the um per px of every image.

    Args:
        path: CSV file (UTF-8, commas) with the columns image and mpp; more columns are ignored.
        images: base names of the images that are there.

    Raises:
        ValueError: a column is missing, an image does not exist, is listed twice or not at all, or a value is no number
            of um per px; the message names the file.
    """
    found = read_of_all_images(path, "mpp", images, "its um per px")
    for value in found.values():
        check_mpp(value)
    return found


def write_with_spacing(
    source: Path,
    spacings: Path,
    draft: Path,
    progress: Callable[[Iterable[tuple[str, Item]]], Iterable[tuple[str, Item]]] = iter,
) -> int:
    """Write images/NAME.tif with their um per px in the resolution tags; all else is copied as it is.

    Args:
        source: a data folder.
        spacings: the CSV file.
        draft: an empty folder.
        progress: wraps the loop over images.

    Returns:
        How many images were written.

    Raises:
        FileNotFoundError, ValueError: as `scan`, `read_spacings` and `read_image`.
    """
    items = scan(source)
    found = read_spacings(spacings, items)
    for part in ("images", "points", "labels"):
        (draft / part).mkdir()
    for name, item in progress(items.items()):
        write_image(draft / "images" / f"{name}.tif", read_image(item.image_path).array, found[name])
        for path in filter(None, (item.points_path, item.label_path, item.regions_path)):
            (draft / path.parent.name).mkdir(exist_ok=True)
            shutil.copyfile(path, draft / path.parent.name / path.name)
    for path in (source / name for name in COPIED):
        if path.is_file():
            shutil.copyfile(path, draft / path.name)
    return len(items)
