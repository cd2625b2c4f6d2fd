# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""COCO JSON: one file with images, annotations and categories, and the keypoints of each annotation.

A keypoint is x, y, v. Its location counts from 0 and is the index of a pixel (Detectron2's documentation of data sets:
integers in [0, W - 1], to which it adds 0.5 for continuous coordinates), so integers are pixel centres as here and
nothing is changed. Programs that write decimals mostly measure from the corner: `--shift -0.5` takes that off; the
1-based numbers of Matlab need `--shift -1`. A keypoint with v = 0 is not there and is left out. Polygons and boxes
(x, y, width, height) are measured from the corner, so half a pixel is taken off; annotations without a keypoint that is
there are outlines, run-length masks too. The class is the category or, where it has several keypoints, the keypoint's
name.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PureWindowsPath
from typing import Any

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry
from transforms.pixel_centres import HALF_PIXEL
from transforms.size import Size

from ...files.untrusted_text import load_json
from ..clicks import Clicks, Outline, area_of, as_points, union_of
from ..marks import mask_area, mask_of_runs

Record = dict[str, Any]
Mark = tuple[list[float], str | None]  # a keypoint's x and y, its class


def is_coco(content: Any) -> bool:
    """Whether the content of a JSON file has COCO's two lists."""
    return isinstance(content, dict) and "images" in content and "annotations" in content


def read_coco(path: Path) -> list[Clicks]:
    """Read one file, which is for the images that it lists.

    Raises:
        ValueError: a list or a number is missing, or an annotation belongs to no image.
    """
    content = load_json(path)
    images = {each.get("id"): each for each in _records_under(path, content, "images")}
    categories = {each.get("id"): each for each in _records_under(path, content, "categories", wanted=False)}
    annotations: dict[Any, list[Record]] = {image: [] for image in images}
    for annotation in _records_under(path, content, "annotations"):
        if annotation.get("image_id") not in annotations:
            raise ValueError(f"{path}: an annotation is of image {annotation.get('image_id')!r}, which is not listed")
        annotations[annotation["image_id"]].append(annotation)
    return [_clicks(path, image, annotations[key], categories) for key, image in images.items()]


def _clicks(path: Path, image: Record, annotations: list[Record], categories: dict[Any, Record]) -> Clicks:
    marks: list[Mark] = []
    outlines: list[Outline] = []
    for annotation in annotations:
        category = categories.get(annotation.get("category_id"), {})
        found = list(_keypoints(path, annotation.get("keypoints") or [], category))
        marks += found
        if not found and (area := _area(path, annotation, _size(image))) is not None:
            outlines.append(Outline(area, category.get("name")))
    if not isinstance(image.get("file_name"), str):
        raise ValueError(f"{path}: image {image.get('id')!r} has no file_name: export the file again")
    points = as_points(path, [place for place, _ in marks], "keypoint")
    stem = PureWindowsPath(image["file_name"]).stem  # also of names with "/"
    size = _size(image) or next(filter(None, map(_size_of_mask, annotations)), None)
    return Clicks(path, points, tuple(name for _, name in marks), tuple(outlines), stem, size)


def _size_of_mask(annotation: Record) -> Size | None:
    packed = annotation.get("segmentation")
    if not (isinstance(packed, dict) and packed.get("counts")):
        return None
    height, width = packed["size"]
    return height, width


def _keypoints(path: Path, values: Any, category: Record) -> Iterator[Mark]:
    if not isinstance(values, list) or len(values) % 3:
        raise ValueError(f"{path}: the keypoints {values!r} are no list of x, y, v: export the file again")
    names, several = category.get("keypoints") or [], len(values) > 3
    for index in range(0, len(values), 3):
        x, y, visible = values[index : index + 3]
        named = several and index // 3 < len(names)
        if visible:
            yield [x, y], names[index // 3] if named else category.get("name")


def _area(path: Path, annotation: Record, size: Size | None) -> BaseGeometry | None:
    rings, box = annotation.get("segmentation"), annotation.get("bbox")
    if isinstance(rings, dict) and rings.get("counts"):
        return mask_area(path, _mask_of_counts(path, rings, size))
    if isinstance(rings, list) and rings:
        places = [as_points(path, [ring[i : i + 2] for i in range(0, len(ring), 2)], "vertex") for ring in rings]
        return union_of([area_of(path, [place - HALF_PIXEL]) for place in places])
    if isinstance(box, list) and len(box) == 4:
        (x, y), (width, height) = as_points(path, [box[:2], box[2:]], "corner").tolist()
        left, top = x - HALF_PIXEL, y - HALF_PIXEL
        return shapely.box(left, top, left + width, top + height)
    return None


def _mask_of_counts(path: Path, packed: Record, size: Size | None) -> np.ndarray:
    """Run lengths, column by column, the first of pixels outside: a list, or packed into text."""
    (height, width), counts = packed["size"], packed["counts"]
    if size is not None and (height, width) != size:
        raise ValueError(
            f"{path}: a mask is {width} x {height} px and its image {size[1]} x {size[0]} px: its size has to be"
            " height, width of the image: export it again"
        )
    runs = _unpacked(path, counts) if isinstance(counts, str) else counts
    return mask_of_runs(path, runs, width, height).T


def _unpacked(path: Path, text: str) -> list[int]:
    """Numbers of 5 bits a character (from "0"), the lowest first, the sixth saying that more follow, the last signed.

    From the fourth on, each is the difference to the one before the last.
    """
    runs: list[int] = []
    value = shift = 0
    for code in (ord(character) - ord("0") for character in text):
        if not 0 <= code < 64:
            raise ValueError(f"{path}: a mask's run lengths are no text of COCO's: export the file again")
        value |= (code & 31) << shift
        shift += 5
        if not code & 32:
            value -= (code & 16) << (shift - 4)
            runs.append(value + (runs[-2] if len(runs) > 2 else 0))
            value = shift = 0
    return runs


def _size(image: Record) -> Size | None:
    height, width = image.get("height"), image.get("width")
    return (height, width) if isinstance(height, int) and isinstance(width, int) and height > 0 < width else None


def _records_under(path: Path, content: Any, key: str, wanted: bool = True) -> list[Record]:
    records = content.get(key) if isinstance(content, dict) else None
    if records is None and not wanted:
        return []
    if not isinstance(records, list) or not all(isinstance(each, dict) for each in records):
        raise ValueError(f"{path}: has no list of {key}: export the file as COCO keypoints")
    return records
