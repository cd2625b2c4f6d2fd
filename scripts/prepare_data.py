# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Turn clicks, published data sets, or labels, into a data folder: images/, points/, labels/, split.json.

    python -m scripts.prepare_data points --input my_clicks --images my_images --output my_data
    python -m scripts.prepare_data tiles --input slide.geojson --images slide.svs --output my_data
    python -m scripts.prepare_data monuseg --images "Tissue Images" --annotations Annotations --output my_monuseg
    python -m scripts.prepare_data dsb2018 --input stage1_train --split my_split.json --output my_dsb
    python -m scripts.prepare_data points_from_labels --labels my_data/labels --output my_data/points
    python -m scripts.prepare_data spacing --dataset_dir my_data --spacings mpp.csv --output my_tagged_data
    python -m scripts.prepare_data parts --dataset_dir my_data --output my_clicked_parts
    python -m scripts.prepare_data join --dataset_dirs a,b --mpp 0.25,0.5 --share 0.7,0.3 --output my_joined_data

Each command explains its options: `python -m scripts.prepare_data monuseg --help`.
"""

from __future__ import annotations

import functools
import itertools
import logging
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from bundle.annotations.choice import Choice, parse_classes
from bundle.annotations.clicked_parts import PartSize, write_clicked_parts
from bundle.annotations.dataset import write_clicked_dataset
from bundle.annotations.formats.aperio import draw_outlines, read_outlines
from bundle.annotations.formats.dsb2018 import find_entries, image_file, label_of_masks
from bundle.annotations.matching import find_images, read_matched
from bundle.annotations.object_points import POINT_RULES
from bundle.annotations.placement import Placement
from bundle.annotations.regions import REGION
from bundle.annotations.tile_set import TileSettings, write_tiles
from bundle.data.folder import DataFolder
from bundle.data.image_spacings import read_spacings, write_with_spacing
from bundle.data.items import files_by_name
from bundle.data.joining import write_joined
from bundle.data.sources import parse_sources
from bundle.data.split import read_split
from bundle.files.atomic import draft_folder
from bundle.files.images import IMAGE_SUFFIXES, check_mpp, read_image
from bundle.files.labels import LABEL_SUFFIXES, read_label
from bundle.files.output_folders import require_empty_dir
from bundle.files.points_csv import write_points
from bundle.files.sole_run import lock_beside, sole_run
from bundle.files.view import parse_view
from bundle.files.writers import write_image, write_label
from bundle.slides.listing import IMAGE_OR_SLIDE_SUFFIXES
from scripts.command_line import run_command
from torch import Tensor
from tqdm import tqdm

logger = logging.getLogger(__name__)

T = TypeVar("T")


def monuseg(
    images: str,
    annotations: str,
    output: str,
    points_from: str = "centroid",
    split: str | None = None,
    image_mpp: float = 0.25,
) -> None:
    """Convert the official MoNuSeg download: TIFF images and Aperio ImageScope XML of the same names.

    Writes OUTPUT/images/NAME.tif with MPP in its tags, OUTPUT/points/NAME.csv (a point for each outline, inside the
    object), OUTPUT/labels/NAME.tif (instance ids, to measure with) and OUTPUT/split.json where SPLIT is given.
    ImageScope counts px from the image's corner; points are written with pixel centres at integers, that is, half a
    px less. OUTPUT appears when it is whole; nothing is overwritten.

    Args:
        images: folder of the images ("Tissue Images").
        annotations: folder of the XML files ("Annotations"); may be the same folder.
        output: data folder to make; must not exist, or be empty.
        points_from: where in an object its point lies: centroid, or deepest (the pixel farthest from the border).
        split: JSON file {"training": [names], "testing": [names]} to take over; without it all images train.
        image_mpp: (or --mpp) um per px of the images.
    """
    rule = _rule(points_from)
    check_mpp(image_mpp)
    pairs = _pairs(_images(images), files_by_name(Path(annotations), (".xml",)), annotations)
    if split is not None:
        read_split(Path(split), pairs)
    with _folder_when_complete(output) as draft:
        for part in ("images", "points", "labels"):
            (draft / part).mkdir()
        for name, (image_path, outline_path) in _progress(pairs.items(), "images"):
            array = read_image(image_path).array  # (C, H, W)
            _write_item(
                draft, name, array, draw_outlines(read_outlines(outline_path), array.shape[-2:]), rule, image_mpp
            )
        if split is not None:
            shutil.copyfile(split, draft / "split.json")
    logger.info("%s: %d images written", output, len(pairs))


def dsb2018(input: str, split: str, output: str, points_from: str = "centroid", spacings: str | None = None) -> None:
    """Convert images of the 2018 Data Science Bowl (BBBC038): stage1_train, a folder for each image with its masks.

    Writes OUTPUT/images/NAME.tif, OUTPUT/points/NAME.csv (a point for each mask, inside the object),
    OUTPUT/labels/NAME.tif (instance ids, to measure with) and OUTPUT/split.json, for the images that SPLIT names by the
    first characters of their IDs. OUTPUT appears when it is whole; nothing is overwritten.

    Args:
        input: the unpacked folder stage1_train.
        split: JSON file {"training": [names], "testing": [names]}.
        output: data folder to make; must not exist, or be empty.
        points_from: where in an object its point lies: centroid, or deepest (the pixel farthest from the border).
        spacings: CSV file with the header image,mpp: um per px of each image, written into its tags; without it images
            say none.
    """
    rule = _rule(points_from)
    entries = find_entries(Path(input), itertools.chain(*read_split(Path(split), None).values()))
    mpp = read_spacings(Path(spacings), entries) if spacings is not None else {}
    with _folder_when_complete(output) as draft:
        for part in ("images", "points", "labels"):
            (draft / part).mkdir()
        for name, entry in _progress(entries.items(), "images"):
            array = read_image(image_file(entry)).array  # (C, H, W)
            _write_item(draft, name, array, label_of_masks(entry, array.shape[-2:]), rule, mpp.get(name))
        shutil.copyfile(split, draft / "split.json")
    logger.info("%s: %d images written", output, len(entries))


def points_from_labels(labels: str, output: str, points_from: str = "centroid") -> None:
    """Make a points file for every label: one point for each object, inside it.

    Args:
        labels: folder of labels (PNG or TIFF, instance ids, 0 = background).
        output: folder of CSV files to make; must not exist, or be empty.
        points_from: where in an object its point lies: centroid, or deepest (the pixel farthest from the border).
    """
    rule = _rule(points_from)
    found = files_by_name(Path(labels), LABEL_SUFFIXES)
    if not found:
        raise ValueError(f"{labels}: holds no label (PNG or TIFF)")
    with _folder_when_complete(output) as draft:
        for name, path in _progress(found.items(), "labels"):
            _write_points(draft / f"{name}.csv", rule(read_label(path)))
    logger.info("%s: %d points files written", output, len(found))


@dataclass(frozen=True)
class MarkOptions:
    """Which marks are clicks, and how their coordinates become px of the image.

    Attributes:
        classes: only marks of these classes, separated by commas.
        centroids: take outlines, too: the middle of each is its point.
        scale: the image is so many times larger than the copy that was clicked on.
        unit: length of a px in the file's coordinates, where they are no px: 0.25 for um at 0.25 um per px.
        shift: px to add to x and y: -0.5 for a program that measures from the corner where docs/points.md says centre.
        swap: exchange x and y.
    """

    classes: str | None = None
    centroids: bool = False
    scale: float = 1.0
    unit: float = 1.0
    shift: float = 0.0
    swap: bool = False

    def choice(self) -> Choice:
        """Which marks are clicks; ValueError where a class is of no use."""
        return Choice(parse_classes(self.classes), self.centroids)

    def placement(self) -> Placement:
        """Where they lie; ValueError where a number is of no use."""
        return Placement(self.swap, self.unit, self.scale, self.shift)


@dataclass(frozen=True)
class TileOptions:
    """What tiles are cut, and from where.

    Attributes:
        regions: folder of files whose outlines are regions, or one file; without it they are among the clicks.
        region_class: class of the outlines that are regions; * stands for anything.
        image_mpp: (or --mpp) um per px of the slides or images; without it they are asked.
        tile_mpp: um per px of tiles, the spacing at which the model works; what is coarser stays as it is.
        smallest: px of a tile's shorter side, at least; not less than the crops of training.
        channels: 3 (RGB) or 1 (grey).
        channel: which channel is meant where a file has several, 0 the first, for --channels 1; rgb: the first three
            are red, green and blue of one picture.
        plane: which plane of a stack is meant, 0 the first.
        intensity: low,high: stored intensities of 16-bit images that become black and white. Tiles then keep 16 bits,
            to be trained on with the same --intensity; without it they have 8, each image scaled by itself.
    """

    regions: str | None = None
    region_class: str = REGION
    image_mpp: float | None = None
    tile_mpp: float = 0.5
    smallest: int = 128
    channels: int = 3
    channel: str | None = None
    plane: int | None = None
    intensity: str | None = None

    def settings(self) -> TileSettings:
        """How tiles are cut; ValueError where a number is out of its range."""
        view = parse_view(self.channel, self.plane, self.intensity)
        return TileSettings(self.tile_mpp, self.smallest, self.region_class, self.image_mpp, self.channels, view)


def points(input: str, images: str, output: str, marks: MarkOptions) -> None:
    """Convert clicks on images in which every nucleus was clicked; docs/points.md says what is read.

    Reads what QuPath, ImageJ, napari, ImageScope, ASAP, CVAT, LabelMe, Label Studio, VIA and others write, COCO,
    pictures of dots and labels, and tables of x,y; a table with its header alone states an image without objects.
    Writes OUTPUT/images (copies), OUTPUT/points/NAME.csv and OUTPUT/check/NAME.png, each image with its points, to be
    looked at. OUTPUT appears when it is whole; nothing is overwritten.

    Args:
        marks: which marks are clicks, and where they lie.
        input: folder of files of clicks, of the images' base names; or one file.
        images: folder of images, PNG, TIFF or JPEG; or one image.
        output: data folder to make; must not exist, or be empty.
    """
    choice, placement = marks.choice(), marks.placement()
    found = find_images(Path(images), IMAGE_SUFFIXES)
    matched = read_matched(Path(input), found, Path(images))
    with _folder_when_complete(output) as draft:
        progress = functools.partial(_progress, unit="images")
        count = write_clicked_dataset(draft, found, matched, choice, placement, progress)
    logger.info("%s: %d images written; look at %s", output, count, Path(output) / "check")


def tiles(input: str, images: str, output: str, cut: TileOptions, marks: MarkOptions) -> None:
    """Convert clicks on slides or images in which every nucleus was clicked inside some regions only.

    Reads what `points` reads; outlines of the class REGION_CLASS in the same files, or all outlines in REGIONS, are the
    regions. Of each the largest upright rectangles become images: OUTPUT/images/TILE.tif (8 bit) with its points in
    OUTPUT/points/TILE.csv; OUTPUT/tiles.csv says where each lies, and OUTPUT/check holds a picture of every tile and
    slide, to be looked at. OUTPUT appears when it is whole; nothing is overwritten.

    Args:
        cut: what tiles are cut.
        marks: which marks are clicks, and where they lie.
        input: folder of files of clicks, of the slides' base names; or one file.
        images: folder of slides or images; or one.
        output: data folder to make; must not exist, or be empty.
    """
    choice, placement, settings = marks.choice(), marks.placement(), cut.settings()
    found = find_images(Path(images), IMAGE_OR_SLIDE_SUFFIXES)
    matched = read_matched(Path(input), found, Path(images))
    areas = read_matched(Path(cut.regions), found, Path(images)) if cut.regions is not None else None
    with _folder_when_complete(output) as draft:
        progress = functools.partial(_progress, unit="images")
        count = write_tiles(draft, found, matched, areas, choice, placement, settings, progress)
    logger.info("%s: %d tiles written; look at %s", output, count, Path(output) / "check")


def spacing(dataset_dir: str, spacings: str, output: str) -> None:
    """Write the um per px of images of different magnifications into their tags, where one --mpp would not do.

    Writes OUTPUT/images/NAME.tif, the same pixels with resolution tags, and copies points/, labels/, split.json and
    diameters.csv. OUTPUT appears when it is whole; nothing is overwritten.

    Args:
        dataset_dir: data folder whose images do not say their um per px.
        spacings: CSV file with the header image,mpp and a line for each image, named without its ending.
        output: data folder to make; must not exist, or be empty.
    """
    with _folder_when_complete(output) as draft:
        progress = functools.partial(_progress, unit="images")
        count = write_with_spacing(Path(dataset_dir), Path(spacings), draft, progress)
    logger.info("%s: %d images written", output, count)


def parts(
    dataset_dir: str,
    output: str,
    image_mpp: float | None = None,
    model_mpp: float = 0.5,
    smallest: int = 128,
    channels: int = 3,
) -> None:
    """Cut what is clicked out of a data folder in which only regions of images are clicked (regions/NAME.geojson).

    scripts.pipeline does so by itself; a configuration that is run alone needs the folder that is written here. Pixels,
    points and labels are cut, not resampled; split.json, diameters.csv and shares.csv name the parts, and tiles.csv
    says where each lies.

    Args:
        dataset_dir: data folder with images/, points/ and regions/.
        output: data folder to make; must not exist, or be empty.
        image_mpp: (or --mpp) um per px of all images; without it their tags are asked.
        model_mpp: um per px at which the model works.
        smallest: px of a part's shorter side at that spacing, at least; not less than the crops of training.
        channels: 3 (RGB) or 1 (grey).
    """
    if not isinstance(smallest, int) or smallest < 1 or check_mpp(model_mpp) is None:
        raise ValueError(f"smallest is {smallest!r}, model_mpp {model_mpp!r}: give a whole number of px, and um per px")
    folder = DataFolder(dataset_dir, check_mpp(image_mpp), channels, regions=True)
    with _folder_when_complete(output) as draft:
        count = write_clicked_parts(folder, PartSize(smallest, model_mpp), draft)
    logger.info("%s: %d images and parts of images written", output, count)


def join(dataset_dirs: str, output: str, mpp: str = "", diameter: str = "", share: str = "") -> None:
    """Make several data sets one, in which each image says for itself what its data set says here.

    Writes OUTPUT/images with um per px in their tags, points/, labels/, split.json, diameters.csv and shares.csv. Names
    begin with that of the data set's folder. OUTPUT appears when it is whole; nothing is overwritten.

    Args:
        dataset_dirs: data folders, separated by commas.
        output: data folder to make; must not exist, or be empty.
        mpp: um per px, one for all or one for each, "0.25,0.5"; an empty place where tags say it.
        diameter: typical diameters, likewise: "6,24px"; an empty place where it is the training's.
        share: part of all training crops that each gives, "0.7,0.3"; without it all images are alike.
    """
    sources = parse_sources(dataset_dirs, mpp, diameter, share)
    with _folder_when_complete(output) as draft:
        count = write_joined(sources, draft, lambda members: tqdm(members, unit=" images", disable=None))
    logger.info("%s: %d images of %d data sets", output, count, len(sources))


def _rule(points_from: str) -> Callable[[Tensor], Tensor]:
    if points_from not in POINT_RULES:
        raise ValueError(f"points_from is {points_from!r}: choose one of {', '.join(POINT_RULES)}")
    return POINT_RULES[points_from]


def _images(folder: str) -> dict[str, Path]:
    found = files_by_name(Path(folder), IMAGE_SUFFIXES)
    if not found:
        raise ValueError(f"{folder}: holds no image (PNG, TIFF or JPEG)")
    return found


def _pairs(images: dict[str, Path], outlines: dict[str, Path], folder: str) -> dict[str, tuple[Path, Path]]:
    missing = [f"{name}.xml" for name in images if name not in outlines]
    if missing:
        raise FileNotFoundError(f"{folder}: lacks {', '.join(missing)}: every image needs an XML file of its name")
    lonely = [path.name for name, path in outlines.items() if name not in images]
    if lonely:
        logger.warning("%s: no image for %s: left out", folder, ", ".join(lonely))
    return {name: (path, outlines[name]) for name, path in images.items()}


@contextmanager
def _folder_when_complete(output: str) -> Iterator[Path]:
    """A folder to fill, which becomes `output` when all is written."""
    target = require_empty_dir(output).resolve()
    with sole_run(lock_beside(target), target, seconds=0), draft_folder(target) as draft:
        yield draft


def _progress(items: Iterable[tuple[str, T]], unit: str) -> Iterable[tuple[str, T]]:
    return tqdm(list(items), unit=f" {unit}", disable=None)  # silent where there is no terminal


def _write_item(
    draft: Path, name: str, array: np.ndarray, label: Tensor, rule: Callable[[Tensor], Tensor], mpp: float | None
) -> None:
    """Image (C, H, W), points and label (1, H, W) of one name."""
    write_image(draft / "images" / f"{name}.tif", array, mpp)
    _write_points(draft / "points" / f"{name}.csv", rule(label))
    write_label(draft / "labels" / f"{name}.tif", label, mpp)


def _write_points(path: Path, points: Tensor) -> None:
    if not len(points):
        logger.warning("%s: no object, so no point: leave this image out of training", path.stem)
    write_points(path, points)


if __name__ == "__main__":
    run_command(
        {
            "points": points,
            "tiles": tiles,
            "monuseg": monuseg,
            "dsb2018": dsb2018,
            "points_from_labels": points_from_labels,
            "spacing": spacing,
            "join": join,
            "parts": parts,
        }
    )
