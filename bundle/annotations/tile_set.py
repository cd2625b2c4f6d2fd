# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Images and slides that were clicked in regions, as a data folder of tiles with their points and check pictures."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import shapely
import torch
from shapely import Polygon
from transforms.pixel_centres import to_corner
from transforms.size import Size

from ..files.atomic import write_text
from ..files.csv_table import as_cell, csv_text
from ..files.image_kinds.intensities import as_stored
from ..files.images import check_mpp
from ..files.pictures import dotted
from ..files.points_csv import write_points
from ..files.view import View, Window
from ..files.writers import write_image, write_png
from ..slides.grid import Grid
from .check_pictures import eight_bit, overview, rgb
from .choice import Choice
from .clicks import Clicks, Outline, parts_of, union_of
from .dataset import RADIUS, Progress
from .placement import Placement, onto_border, refuse_misplaced
from .regions import covered, image_area, regions_within, split_regions
from .sources import WHOLE, Pixels, open_pixels
from .tiles import Tile, cut_tiles

logger = logging.getLogger(__name__)

TILES = "tiles.csv"  # where each tile lies
COLUMNS = ("tile", "image", "region", "x", "y", "width", "height", "points")  # x to height: px of the image's own
Row = tuple[str | int, ...]


@dataclass(frozen=True)
class TileSettings:
    """How tiles are made.

    Attributes:
        tile_mpp: um per px of tiles; an image that is coarser keeps its own spacing.
        smallest: px of a tile's shorter side, at least.
        region_class: outlines of this class are regions (wildcards), where no files of regions are given.
        mpp: um per px of the images, as the user states it; None: what they say.
        channels: 1 (grey) or 3 (RGB).
        view: which channel and plane of the images are meant, and which of their 16-bit intensities become 0 and 1;
            tiles of images with such a range keep it, and have 16 bits.
    """

    tile_mpp: float
    smallest: int
    region_class: str
    mpp: float | None = None
    channels: int = 3
    view: View = WHOLE

    def __post_init__(self) -> None:
        check_mpp(self.mpp)
        if check_mpp(self.tile_mpp) is None:
            raise ValueError("tile_mpp is None: give um per px of the tiles, such as 0.5")
        if not isinstance(self.smallest, int) or self.smallest < 1:
            raise ValueError(f"smallest is {self.smallest!r}: give a whole number of px, such as 128")


def write_tiles(
    draft: Path,
    images: Mapping[str, Path],
    matched: Mapping[str, Clicks],
    regions: Mapping[str, Clicks] | None,
    choice: Choice,
    placement: Placement,
    settings: TileSettings,
    progress: Progress = iter,
) -> int:
    """Write images/TILE.tif (8 bit), points/TILE.csv, tiles.csv (where each tile lies) and check/ (pictures).

    Args:
        draft: an empty folder.
        images: base name -> image or slide.
        matched: base name -> its clicks.
        regions: base name -> file whose outlines are all regions; None: those of the region class among the clicks.
        choice: which marks become points.
        placement: file -> px of the image, of clicks and regions.
        settings: how tiles are made.
        progress: wraps the loop over images.

    Returns:
        How many tiles were written.

    Raises:
        FileNotFoundError, ValueError: the first problem, by file; there is no tile.
    """
    choice.check(list(matched.values()))
    for part in ("images", "points", "check"):
        (draft / part).mkdir()
    rows: list[Row] = []
    for name, clicks in progress(matched.items()):
        marks, outlines = _marks_and_regions(name, clicks, regions, placement, settings.region_class)
        with open_pixels(images[name], settings.channels, settings.mpp, settings.view) as pixels:
            rows += _write_image(draft, name, pixels, placement(choice(marks)), outlines, settings)
    if not rows:
        raise ValueError(
            f"no tile: no region holds a rectangle of {settings.smallest} x {settings.smallest} px at"
            f" {settings.tile_mpp:g} um per px with a point in it; draw larger regions, or allow smaller tiles"
            " (--smallest), not below the crops of training"
        )
    cells = ([as_cell(value) if isinstance(value, str) else value for value in row] for row in rows)
    write_text(draft / TILES, csv_text([COLUMNS, *cells]))
    return len(rows)


def _marks_and_regions(
    name: str, clicks: Clicks, regions: Mapping[str, Clicks] | None, placement: Placement, region_class: str
) -> tuple[Clicks, tuple[Outline, ...]]:
    """The marks that are no regions, as the file has them, and the regions in px of the image."""
    if regions is None:
        marks, outlines = split_regions(clicks, region_class)
        source, mend = clicks.path, f"in which every nucleus is clicked, and give it the class {region_class}"
    elif name in regions:
        marks, outlines = clicks, list(regions[name].outlines)
        source, mend = regions[name].path, "in which every nucleus is clicked"
    else:
        raise ValueError(f"{clicks.path}: no file of regions is for image {name}: add one of its base name")
    if not outlines:
        raise ValueError(
            f"{source}: holds no region: draw an outline {mend}; one around all tissue if no nucleus was left out"
        )
    return marks, placement(Clicks(source, np.zeros((0, 2)), (), tuple(outlines))).outlines


def _write_image(
    draft: Path, name: str, pixels: Pixels, clicks: Clicks, outlines: Sequence[Outline], settings: TileSettings
) -> list[Row]:
    clicks = onto_border(clicks, pixels.size)
    refuse_misplaced(clicks, pixels.size)
    regions = regions_within(clicks, outlines, pixels.size)
    grid = pixels.grid(settings.tile_mpp if pixels.mpp is None or pixels.mpp < settings.tile_mpp else None)
    moved = [shapely.transform(region, grid.to_grid) for region in regions]
    tiles = list(cut_tiles(moved, grid.to_grid(clicks.points), settings.smallest))
    _account(name, clicks, regions, moved, tiles)
    mpp = max(settings.tile_mpp, pixels.mpp or settings.tile_mpp)
    kept = [tile for tile in tiles if len(tile.points)]
    kept_range = settings.view.intensity if pixels.window == settings.view.intensity else None
    rows = [_write_tile(draft, name, pixels, grid, tile, mpp, kept_range) for tile in kept]
    write_png(draft / "check" / f"{name}.png", overview(pixels, grid, regions, clicks.points, kept))
    return rows


def _account(
    name: str, clicks: Clicks, regions: Sequence[Polygon], moved: Sequence[Polygon], tiles: Sequence[Tile]
) -> None:
    """Say what became of the points and of the area."""
    count, inside = len(clicks.points), int(covered(clicks.points, regions).sum())
    if inside < count:
        logger.warning("%s: %d of %d points lie in no region and are left out", clicks.path, count - inside, count)
    without = _without_tile(len(regions), tiles)
    if without:
        numbers = ", ".join(map(str, without[:10])) + (", ..." if len(without) > 10 else "")
        logger.warning(
            "%s: %d of %d regions hold no rectangle large enough for a tile and are left out: number %s from the top",
            clicks.path,
            len(without),
            len(regions),
            numbers,
        )
    empty = sum(not len(tile.points) for tile in tiles)
    if empty:
        logger.warning("%s: %d tiles hold no point and are left out", clicks.path, empty)
    used = sum(tile.box.width * tile.box.height for tile in tiles) / sum(region.area for region in moved)
    taken = sum(len(tile.points) for tile in tiles)
    logger.info(
        "%s: %d tiles, %.0f %% of the regions' area, %d of %d points inside",
        name,
        len(tiles) - empty,
        100 * used,
        taken,
        inside,
    )


def _without_tile(count: int, tiles: Sequence[Tile]) -> list[int]:
    """The numbers of the regions, from 1, in which no tile lies."""
    return [number for number in range(1, count + 1) if all(tile.region != number for tile in tiles)]


@lru_cache
def count_too_small(outlines: tuple[Outline, ...], size: Size, mpp: float | None, settings: TileSettings) -> int:
    """How many of the regions of an image of some size (H, W) hold no tile; those that touch are one."""
    drawn = parts_of(union_of(outline.area for outline in outlines).intersection(image_area(size)))
    grid = Grid(size, size) if mpp is None or mpp >= settings.tile_mpp else Grid.at(size, mpp, settings.tile_mpp)
    moved = [shapely.transform(region, grid.to_grid) for region in drawn]
    return len(_without_tile(len(moved), list(cut_tiles(moved, np.zeros((0, 2)), settings.smallest))))


def _write_tile(
    draft: Path, name: str, pixels: Pixels, grid: Grid, tile: Tile, mpp: float, window: Window | None
) -> Row:
    """Write one tile; its row of tiles.csv."""
    box = tile.box
    corners = to_corner(grid.to_slide(box.corners))
    (x, y), (right, bottom) = corners.round().astype(int).tolist()
    own = f"{name}_x{x}_y{y}"
    image = pixels.read_box(grid, box)  # (C, h, w)
    stored = eight_bit(image) if window is None else as_stored(image, window)
    write_image(draft / "images" / f"{own}.tif", stored, mpp)
    write_points(draft / "points" / f"{own}.csv", torch.from_numpy(tile.points).float())
    write_png(draft / "check" / f"{own}.png", dotted(rgb(eight_bit(image)), tile.points, RADIUS))
    return own, name, tile.region, x, y, right - x, bottom - y, len(tile.points)
