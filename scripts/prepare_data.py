# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Turn published data sets, or labels, into a data folder: images/, points/, labels/, split.json.

    python -m scripts.prepare_data monuseg --images "Tissue Images" --annotations Annotations --output my_monuseg
    python -m scripts.prepare_data points_from_labels --labels my_data/labels --output my_data/points

Each command explains its options: `python -m scripts.prepare_data monuseg --help`.
"""

from __future__ import annotations

import logging
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from torch import Tensor
from tqdm import tqdm

from bundle.data.aperio import draw_outlines, read_outlines
from bundle.data.checks import claim_new
from bundle.data.files import write_image, write_label
from bundle.data.io import IMAGE_SUFFIXES, check_mpp, read_image
from bundle.data.items import files_by_name
from bundle.data.labels import LABEL_SUFFIXES, read_label
from bundle.data.object_points import POINT_RULES
from bundle.data.points_csv import write_points
from bundle.data.split import read_split
from scripts.command_line import run_command

logger = logging.getLogger(__name__)

T = TypeVar("T")


def monuseg(
    images: str,
    annotations: str,
    output: str,
    points_from: str = "centroid",
    split: str | None = None,
    mpp: float = 0.25,
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
        mpp: um per px of the images.
    """
    rule = _rule(points_from)
    check_mpp(mpp)
    pairs = _pairs(_images(images), files_by_name(Path(annotations), (".xml",)), annotations)
    if split is not None:
        read_split(Path(split), pairs)
    with _whole(output) as draft:
        for part in ("images", "points", "labels"):
            (draft / part).mkdir()
        for name, (image_path, outline_path) in _progress(pairs.items(), "images"):
            array = read_image(image_path).array  # (C, H, W)
            label = draw_outlines(read_outlines(outline_path), array.shape[-2:])
            write_image(draft / "images" / f"{name}.tif", array, mpp)
            _write_points(draft / "points" / f"{name}.csv", rule(label))
            write_label(draft / "labels" / f"{name}.tif", label, mpp)
        if split is not None:
            shutil.copyfile(split, draft / "split.json")
    logger.info("%s: %d images written", output, len(pairs))


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
    with _whole(output) as draft:
        for name, path in _progress(found.items(), "labels"):
            _write_points(draft / f"{name}.csv", rule(read_label(path)))
    logger.info("%s: %d points files written", output, len(found))


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
def _whole(output: str) -> Iterator[Path]:
    """A scratch folder beside `output`, which takes its name when all is written, so that no half of it is seen."""
    target = claim_new(output).resolve()
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}-") as scratch:
        draft = Path(scratch) / "draft"
        draft.mkdir()
        yield draft
        os.replace(draft, target)


def _progress(items: Iterable[tuple[str, T]], unit: str) -> Iterable[tuple[str, T]]:
    return tqdm(list(items), unit=f" {unit}", disable=None)  # silent where there is no terminal


def _write_points(path: Path, points: Tensor) -> None:
    if not len(points):
        logger.warning("%s: no object, so no point: leave this image out of training", path.stem)
    write_points(path, points)


if __name__ == "__main__":
    run_command({"monuseg": monuseg, "points_from_labels": points_from_labels})
