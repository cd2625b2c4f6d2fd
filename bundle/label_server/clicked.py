# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Clicks that clients left with a server, as a data folder to train on: images as they are, or tiles of regions."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..annotations.choice import Choice
from ..annotations.clicks import Clicks
from ..annotations.dataset import write_clicked_dataset
from ..annotations.formats.registry import READERS, read_clicks
from ..annotations.placement import Placement
from ..annotations.regions import split_regions
from ..annotations.tile_set import TileSettings, write_tiles
from ..files.images import read_image
from ..files.writers import write_image
from ..slides.listing import is_slide
from .images import said_mpp

logger = logging.getLogger(__name__)


def read_label_file(path: Path, name: str) -> Clicks:
    """The clicks of the image `name` in a file that a client sent for it, whatever image the file itself names.

    Raises:
        FileNotFoundError, ValueError: as `read_clicks`; the file is for several images, and none has this name.
    """
    found = read_clicks(path)
    own = [clicks for clicks in found if clicks.image == name] or found
    if len(own) != 1:
        raise ValueError(f"{path}: is for {len(found)} images, and not one of them is called {name}: send its own file")
    return own[0]


def check_within(clicks: Clicks, image: str, size: tuple[int, int]) -> None:
    """Whether clicks are of an image, and not of another or in another unit.

    Args:
        clicks: x and y in px.
        image: its name.
        size: its H and W.

    Raises:
        ValueError: some lie beyond it by more than a px; says how many, the first of them and the image's size.
    """
    height, width = size
    x, y = clicks.points.T
    beyond = np.flatnonzero((x < -1) | (x > width) | (y < -1) | (y > height))
    if len(beyond):
        first = ", ".join(f"{value:g}" for value in clicks.points[beyond[0]])
        raise ValueError(
            f"label of {image}: {len(beyond)} of {len(clicks.points)} points lie beyond the image of {width} x {height}"
            f" px, such as ({first}): send x and y in px of its full resolution, or the label of this image"
        )


def read_label_files(files: Mapping[str, Path]) -> dict[str, Clicks]:
    """Image name -> its clicks; files of other kinds, such as masks in NRRD, are left out with a warning.

    Raises:
        ValueError: a file is damaged, or no image has clicks.
    """
    known = {name: path for name, path in files.items() if path.suffix.lower() in READERS}
    if others := [path.name for name, path in files.items() if name not in known]:
        logger.warning("labels that hold no clicks are left out: %s", ", ".join(others))
    if not known:
        raise ValueError(
            f"no image has clicks yet: send some (PUT /datastore/label, tag final) as {', '.join(READERS)}"
        )
    return {name: read_label_file(path, name) for name, path in known.items()}


def write_training_set(
    draft: Path,
    images: Mapping[str, Path],
    clicks: Mapping[str, Clicks],
    choice: Choice,
    settings: TileSettings,
    default_mpp: float | None = None,
) -> int:
    """Write the images that have clicks, with their points, into an empty folder.

    Where regions are drawn in any of them, or one is a slide, only what lies in regions counts as clicked, in all of
    them, and tiles are cut. Otherwise every nucleus of every image counts as clicked.

    Args:
        draft: the folder.
        images: name -> file of at least those that have clicks.
        clicks: name -> marks.
        choice: which of them become points.
        settings: of tiles, with the um per px that go before those of all files.
        default_mpp: um per px of images that say nothing. What is written says it.

    Returns:
        How many images or tiles were written.

    Raises:
        FileNotFoundError, ValueError: as `write_clicked_dataset` and `write_tiles`; only some slides say their
            um per px.
    """
    says_nothing = [name for name in clicks if said_mpp(images[name]) is None]
    silent = says_nothing if settings.mpp is None and default_mpp is not None else []
    by_regions = any(split_regions(each, settings.region_class)[1] for each in clicks.values())
    if not by_regions and not any(is_slide(images[name]) for name in clicks):
        count = write_clicked_dataset(draft, images, clicks, choice, Placement())
        _state_spacing(draft / "images", silent, default_mpp)
        return count
    if 0 < len(silent) < len(clicks):
        raise ValueError(f"only some images say their um per px, not {', '.join(silent)}: state it (mpp)")
    settings = replace(settings, mpp=default_mpp) if silent else settings
    return write_tiles(draft, images, clicks, None, choice, Placement(), settings)


def _state_spacing(folder: Path, names: Sequence[str], mpp: float | None) -> None:
    """Write images of a folder anew, as TIFF with their um per px; those without points are not there."""
    for path in [path for path in sorted(folder.iterdir()) if path.stem in names]:
        write_image(path.with_suffix(".tif"), read_image(path).array, mpp)
        if path.suffix != ".tif":
            path.unlink()
