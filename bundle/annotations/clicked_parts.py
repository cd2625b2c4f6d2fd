# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""A partly clicked data folder as one that is clicked all over: what its regions hold is cut out, px by px.

    DATA/images/a.png  DATA/points/a.csv  DATA/regions/a.geojson     ->     images/a_x0_y64.tif  points/a_x0_y64.csv

Where an image has regions, only what lies in them is learnt from and measured: the largest upright rectangles inside
each become images, with their clicks and, where there is one, their piece of the label. An image without regions stays
as it is. Parts of split.json, diameters and shares go with the image. Nothing is resampled.
"""

from __future__ import annotations

import json
import logging
import math
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..data.derived_folder import SOURCES, ensure_derived
from ..data.diameters import DIAMETERS
from ..data.folder import DataFolder
from ..data.items import Item
from ..data.shares import SHARES
from ..data.split import PARTS
from ..files.atomic import write_text
from ..files.csv_table import as_cell, by_image_text, csv_text
from ..files.images import ImageFile, read_image
from ..files.labels import read_label
from ..files.points_csv import parse_points, write_points
from ..files.provenance import hash_files
from ..files.writers import write_image, write_label
from ..slides.grid import Box
from .clicks import Clicks
from .regions import read_regions, regions_within
from .tile_set import COLUMNS, TILES
from .tiles import Tile, cut_tiles

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class PartSize:
    """How small a part may be: no side is shorter than a crop of training.

    Attributes:
        crop: px of a crop's longer side.
        model_mpp: um per px of a crop.
    """

    crop: int
    model_mpp: float

    def px(self, mpp: float | None) -> int:
        """The shortest side in px of an image of some um per px; None, unknown: its px are taken for the model's."""
        return self.crop if mpp is None else math.ceil(self.crop * self.model_mpp / mpp)


def ensure_clicked_parts(dataset: DataFolder, size: PartSize, folder: Path) -> Path:
    """Cut the parts of a data set, or find in a folder that they were cut from the same files before.

    Args:
        dataset: opened with `regions=True`.
        size: of the smallest part.
        folder: where to; what is there is never changed.

    Returns:
        The folder.

    Raises:
        FileExistsError: as `ensure_derived`.
        OSError, ValueError: as `write_clicked_parts`.
    """
    made_of = _cut_from(dataset, size)
    return ensure_derived(folder, made_of, lambda draft: write_clicked_parts(dataset, size, draft))


def write_clicked_parts(dataset: DataFolder, size: PartSize, draft: Path) -> int:
    """Write a data folder of what is clicked, with tiles.csv: where each part lies.

    Args:
        dataset: opened with `regions=True`.
        size: of the smallest part.
        draft: an empty folder.

    Returns:
        How many images are in it.

    Raises:
        OSError, ValueError: a file is damaged; regions lie beside their image; no region of a training image is large
            enough.
    """
    for kind in ("images", "points", "labels"):
        (draft / kind).mkdir()
    made = {
        part: [each for item in dataset.items(part) for each in _write(dataset, item, size, draft)] for part in PARTS
    }
    if dataset.training and not made["training"]:
        raise ValueError(
            f"{dataset.dataset_dir / 'regions'}: no region holds {size.crop} x {size.crop} px at {size.model_mpp:g} um"
            " per px, a crop of training: draw larger regions"
        )
    _write_tables_of_parts(draft, made)
    write_text(draft / SOURCES, json.dumps(_cut_from(dataset, size), indent=1))
    count = sum(len(parts) for parts in made.values())
    logger.info("%s: %d images and clicked parts of images are used", dataset.dataset_dir, count)
    return count


@dataclass(frozen=True)
class _Part:
    item: Item  # under its new name
    row: tuple[str | int, ...]  # of tiles.csv


def _write(dataset: DataFolder, item: Item, size: PartSize, draft: Path) -> Iterator[_Part]:
    image = read_image(item.image_path)
    height, width = image.array.shape[1:]
    points = np.zeros((0, 2))
    if item.points_path:
        points = parse_points(item.points_path, (height, width)).double().numpy()
    if item.regions_path is None:
        for path in filter(None, (item.image_path, item.points_path, item.label_path)):
            shutil.copyfile(path, draft / path.parent.name / path.name)
        yield _Part(item, (item.name, item.name, 0, 0, 0, width, height, len(points)))
        return
    tiles = _tiles(item, points, (height, width), size.px(dataset.mpp or image.mpp))
    area = sum(tile.box.area for tile in tiles)
    for tile in tiles:
        box, name = tile.box, f"{item.name}_x{tile.box.left}_y{tile.box.top}"
        _write_part(draft, name, item, tile, image, dataset.mpp)
        share = item.share and item.share * box.area / area
        where = (box.left, box.top, box.width, box.height)
        yield _Part(replace(item, name=name, share=share), (name, item.name, tile.region, *where, len(tile.points)))


def _tiles(item: Item, points: np.ndarray, size: tuple[int, int], smallest: int) -> list[Tile]:
    if item.regions_path is None or not (outlines := read_regions(item.regions_path)):
        raise ValueError(f"{item.regions_path}: holds no region: draw one, or remove the file if all of it is clicked")
    marks = Clicks(item.regions_path, np.zeros((0, 2)), ())
    regions = regions_within(marks, outlines, size)
    tiles = list(cut_tiles(regions, points, smallest))
    inside = sum(len(tile.points) for tile in tiles)
    if not tiles:
        logger.warning("%s: no region holds %d x %d px: left out", item.regions_path, smallest, smallest)
    elif inside < len(points):
        logger.warning(
            "%s: %d of %d clicks lie in no part and are left out", item.name, len(points) - inside, len(points)
        )
    return tiles


def _write_part(draft: Path, name: str, item: Item, tile: Tile, image: ImageFile, stated: float | None) -> None:
    box, mpp = tile.box, stated or image.mpp
    rows, columns = box.slices(Box.of(image.array.shape[1:]))
    write_image(draft / "images" / f"{name}.tif", np.ascontiguousarray(image.array[:, rows, columns]), mpp)
    if item.points_path:
        write_points(draft / "points" / f"{name}.csv", torch.from_numpy(tile.points).float())
    if item.label_path:
        label = read_label(item.label_path, image.array.shape[1:])
        write_label(draft / "labels" / f"{name}.tif", label[:, rows, columns].contiguous(), mpp)


def _write_tables_of_parts(draft: Path, made: Mapping[str, list[_Part]]) -> None:
    parts = [each for part in PARTS for each in made[part]]
    cells = ([as_cell(value) if isinstance(value, str) else value for value in each.row] for each in parts)
    write_text(draft / TILES, csv_text([COLUMNS, *cells]))
    names = {part: [each.item.name for each in made[part]] for part in PARTS}
    if twice := [name for name, *_ in (each.row for each in parts) if sum(each.row[0] == name for each in parts) > 1]:
        raise ValueError(f"two images would be called {twice[0]}: rename one of them")
    write_text(draft / "split.json", json.dumps(names, indent=1))
    stated = {each.item.name: each.item.diameter for each in parts if each.item.diameter}
    if stated:
        unit = next(iter(stated.values())).unit
        values = {name: diameter.value for name, diameter in stated.items()}
        write_text(draft / DIAMETERS, by_image_text(f"image,diameter_{unit}", values))
    if shares := {each.item.name: each.item.share for each in parts if each.item.share}:
        write_text(draft / SHARES, by_image_text("image,share", shares))


def _cut_from(dataset: DataFolder, size: PartSize) -> dict[str, Any]:
    files = {f"images/{DIAMETERS}": dataset.diameters_path, f"images/{SHARES}": dataset.shares_path}
    for part in PARTS:
        for item in dataset.items(part):
            paths = (item.image_path, item.points_path, item.label_path, item.regions_path)
            files |= {f"{part}/{path.parent.name}/{path.name}": path for path in paths if path}
    return {
        "dataset_dir": str(dataset.dataset_dir.resolve()),
        "mpp": dataset.mpp,
        "smallest": {"crop": size.crop, "model_mpp": size.model_mpp},
        "files": hash_files({name: path for name, path in files.items() if path}),
    }
