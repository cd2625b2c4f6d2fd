# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Which file of clicks belongs to which image: by base name, or by the name that the file itself says."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from ..data.items import files_by_name, some
from ..files.untrusted_text import composed
from ..slides.listing import IMAGE_OR_SLIDE_SUFFIXES, one_of_each_series
from .clicks import Clicks
from .formats.registry import RASTERS, READERS, read_clicks

logger = logging.getLogger(__name__)

# what programs put before the image's name: Fiji's Cell Counter, and Label Studio when an image is uploaded
PREFIXES = re.compile(r"[0-9a-f]{8}-|(CellCounter_)?(Counter Window - )?")


def click_files(source: Path, images: Path) -> list[Path]:
    """A file of clicks, or all of a folder; other endings are left out, with a warning.

    Where clicks and images share a folder, its pictures are the images.

    Raises:
        FileNotFoundError: there is no such file or folder.
        ValueError: the folder holds no file of clicks.
    """
    if source.is_file():
        return [source]
    if not source.is_dir():
        raise FileNotFoundError(f"{source}: no such file or folder of clicks")
    shared = images.is_dir() and source.resolve() == images.resolve()
    files = [path for path in sorted(source.iterdir()) if path.is_file() and not path.name.startswith(".")]
    wanted = [path for path in files if path.suffix.lower() in READERS]
    others = [path.name for path in files if path not in wanted]
    if shared:
        wanted = [path for path in wanted if path.suffix.lower() not in RASTERS]
        others = []
    if not wanted:
        raise ValueError(f"{source}: holds no file of clicks ({', '.join(READERS)})")
    if others:
        logger.warning("%s: %d files are of no known format and left out: %s", source, len(others), some(others))
    return wanted


def find_images(source: Path, suffixes: Iterable[str]) -> dict[str, Path]:
    """Base name -> image: one file, or all with these endings in a folder.

    Raises:
        FileNotFoundError: there is no such file or folder.
        ValueError: the folder holds no image, or two of one base name.
    """
    if source.is_file():
        return {composed(source.stem): source}
    if not source.is_dir():
        raise FileNotFoundError(f"{source}: no such image or folder of images")
    found = files_by_name(source, suffixes)
    chosen = one_of_each_series(list(found.values()))
    found = {name: path for name, path in found.items() if path in chosen}
    if not found:
        raise ValueError(f"{source}: holds no image ({', '.join(suffixes)})")
    return found


def read_matched(source: Path, images: Mapping[str, Path], image_source: Path) -> dict[str, Clicks]:
    """Read a file or folder of clicks: base name of an image -> its clicks, in the order of the images.

    Args:
        source: the clicks.
        images: base name -> file.
        image_source: where the images come from; if this is one file, one file of clicks is for it, whatever its name.

    Raises:
        FileNotFoundError, ValueError: as `click_files`, `read_clicks` and `match`.
    """
    found = [clicks for path in click_files(source, image_source) for clicks in read_clicks(path)]
    if image_source.is_file() and len(found) == 1:
        return dict.fromkeys(images, found[0])
    return match(found, images)


def match(found: Iterable[Clicks], images: Mapping[str, Path]) -> dict[str, Clicks]:
    """Base name of an image -> its clicks, in the order of the images.

    Raises:
        ValueError: two files for one image, or none of the files is for one of the images.
    """
    matched: dict[str, Clicks] = {}
    lonely: list[str] = []
    for clicks in found:
        name = next((name for name in _possible_names(clicks) if name in images), None)
        if name is None:
            lonely.append(f"{clicks.image} ({clicks.path.name})" if clicks.image else clicks.path.name)
        elif name in matched:
            raise ValueError(f"{clicks.path}: is for image {name}, and so is {matched[name].path}: keep one of them")
        else:
            matched[name] = clicks
    if not matched:
        raise ValueError(
            f"no file of clicks is for one of the images: there are clicks {some(lonely)} and images"
            f" {some(list(images))}; give both the same base name"
        )
    if lonely:
        logger.warning("%d files of clicks belong to no image and are left out: %s", len(lonely), some(lonely))
    bare = [name for name in images if name not in matched]
    if bare:
        logger.warning("%d images have no clicks and are left out: %s", len(bare), some(bare))
    return {name: matched[name] for name in images if name in matched}


def _possible_names(clicks: Clicks) -> list[str]:
    """What the image may be called: as the file says, then as the file is called; composed, as images' names are."""
    names = []
    for name in (clicks.image, clicks.path.stem):
        if name:
            whole = composed(name)
            bare = whole[PREFIXES.match(whole).end() :]  # type: ignore[union-attr]  # it matches the empty text, too
            own = Path(bare)  # "a.tif.geojson" is for a.tif
            names += [whole, bare, own.stem if own.suffix.lower() in IMAGE_OR_SLIDE_SUFFIXES else ""]
    return [name for name in names if name]
