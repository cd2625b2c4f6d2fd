# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Objects of an image that is read whole, PNG, TIFF or JPEG: exactly those of `scripts.segment image`."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import Tensor
from transforms.pixel_centres import pixels_of

from ..files.images import load_image, read_image
from ..inference.segmenter import Segmentation
from ..objects.polygons import SlideObject, outline_objects
from ..objects.registry import measurements_of
from ..objects.table import measure_objects
from ..slides.grid import Box
from ..slides.listing import is_slide
from ..slides.opening import open_slide_file
from .query import Query

logger = logging.getLogger(__name__)

NUCLEI = "nuclei"  # the one label


def segment_image(path: Path, query: Query) -> tuple[Segmentation, float | None]:
    """Segment a whole image.

    Returns:
        Label and probability, and the um per px that they were made with, None = unknown, taken for the model's.

    Raises:
        FileNotFoundError, ValueError: as `load_image` and `load_network`.
    """
    segmenter = query.segmenter()
    loaded = load_image(path, segmenter.channels, query.mpp, common=query.intensity or segmenter.intensity)
    mpp = loaded.mpp or query.default_mpp
    if mpp is None:
        logger.warning("um per px of the image are unknown; taken for the model's %g", segmenter.mpp)
    return segmenter(loaded.image, mpp), mpp


def objects_of_label(found: Segmentation, mpp: float | None, regions: Sequence[Box]) -> Iterator[SlideObject]:
    """The objects whose centre lies in a pixel of one of the regions, whole; of all regions where there are none."""
    table, outlines = measure_objects(found.label, found.probability, mpp), outline_objects(found.label)
    for index in np.flatnonzero(owned(table.centroids, regions)).tolist():
        identity = int(table.ids[index])
        yield SlideObject(identity, outlines[identity], measurements_of(table, index), NUCLEI)


def owned(centres: NDArray[np.float64], regions: Sequence[Box]) -> NDArray[np.bool_]:
    """(N,): which centres (N, 2), x and y in px, centres at integers, lie in a region; all where there is none."""
    if not regions:
        return np.ones(len(centres), bool)
    x, y = pixels_of(centres).T
    inside = [(box.left <= x) & (x < box.right) & (box.top <= y) & (y < box.bottom) for box in regions]
    return np.logical_or.reduce(inside)


def whole_label(path: Path, query: Query) -> tuple[Tensor, float | None]:
    """The label of an image, int32 (1, H, W), and its um per px.

    Raises:
        FileNotFoundError, ValueError: as `segment_image`; the file is a slide, whose label would fill the memory.
    """
    if is_slide(path):
        raise ValueError(
            f"{path.name}: is a slide, too large for one label mask: ask for polygons of a region (/infer/wsi), or"
            " segment it with `python -m scripts.segment slide`"
        )
    found, mpp = segment_image(path, query)
    return found.label, mpp


def pixel_size(path: Path) -> tuple[int, int]:
    """H and W of an image, or of a slide's finest level; errors as `read_image` and `Slide`."""
    if not is_slide(path):
        height, width = read_image(path).array.shape[-2:]
        return int(height), int(width)
    slide = open_slide_file(path)
    try:
        return slide.levels[0].size
    finally:
        slide.close()


def said_mpp(path: Path) -> float | None:
    """Um per px of an image or a slide as its file says it, None = unknown; errors as `read_image` and `Slide`."""
    if not is_slide(path):
        return read_image(path).mpp
    slide = open_slide_file(path)
    try:
        return slide.mpp
    finally:
        slide.close()
