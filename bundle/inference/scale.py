# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""How large an image is shown to a model: by its um per px, by the size of its nuclei, or by what the model finds.

A wrong magnification is the commonest mistake: objects of another size than the model's are missed, merged or split.
Here is what says so, and what finds the scale from the image alone.
"""

from __future__ import annotations

import logging
import math
import os
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from ..data.diameters import Diameter, parse_diameter
from ..files.images import check_mpp
from ..objects.table import measure_objects
from .segmenter import Segmenter

logger = logging.getLogger(__name__)

AUTO = "auto"  # um per px by the image itself
TRIED = tuple(2 ** (step / 2) / 16 for step in range(1, 10))  # um per px, from 0.09 to 1.4
FIELD = 512  # px at the model's spacing: longest side of what is looked at, of each spacing tried
ENOUGH = 20  # objects without which nothing is said of their size
FEWEST = 8  # objects without which a spacing is not judged
UNUSUAL = 1.6  # factor between the sizes of found and of usual objects that is said


@dataclass(frozen=True)
class Scale:
    """How the sizes of objects in images are known.

    Args:
        diameter: typical diameter of their objects; None: the model's.
        auto: whether the scale is found by the image itself, whatever its file says.

    Raises:
        ValueError: auto beside a diameter.
    """

    diameter: Diameter | None = None
    auto: bool = False

    def __post_init__(self) -> None:
        if self.auto and self.diameter:
            raise ValueError("mpp is auto, and a diameter is given: either finds the scale, so leave one out")

    def require(self, segmenter: Segmenter) -> None:
        """Raise ValueError where sizes are to be compared with a model that does not say its own."""
        if self.auto or self.diameter:
            usual_diameter(segmenter)

    def shown_at(self, segmenter: Segmenter, image: Tensor, mpp: float | None) -> float | None:
        """The um per px that an image is taken for; None: for the model's.

        Args:
            segmenter: what will segment it.
            image: float32 (C, H, W) in [0, 1].
            mpp: its um per px, as its file or the user says; None: unknown.

        Raises:
            ValueError: a diameter in um of an image of unknown um per px; the model's own diameter is unknown.
        """
        if self.auto:
            return find_spacing(segmenter, image)
        if self.diameter is None:
            return mpp
        if self.diameter.unit == "px":
            return usual_diameter(segmenter) / self.diameter.value
        if mpp is None:
            raise ValueError(
                f"diameter is {self.diameter.value:g} um, and um per px is unknown: give mpp too, or the diameter in"
                " px, such as 24px"
            )
        return mpp * usual_diameter(segmenter) / self.diameter.value


def parse_scale(mpp: str | float | None, diameter: str | None) -> tuple[float | None, Scale]:
    """What a user typed: um per px, or `auto`; and a diameter, as `parse_diameter` reads it.

    Returns:
        um per px, None where the files are asked, and how sizes are known beside them.

    Raises:
        ValueError: one is no such thing, or one excludes the other.
    """
    auto = mpp is not None and str(mpp).strip().lower() == AUTO
    stated = None
    if mpp is not None and not auto:
        try:
            stated = float(mpp)
        except ValueError as error:
            raise ValueError(f"mpp is {mpp!r}: give um per px, such as 0.25, or {AUTO}") from error
        check_mpp(stated)
    return stated, Scale(parse_diameter(diameter) if diameter else None, auto)


def usual_diameter(segmenter: Segmenter) -> float:
    """The typical diameter that a model was trained for, um; ValueError where its description does not say it."""
    if segmenter.diameter is None:
        raise ValueError(
            "the model does not say for what diameter it was trained, so sizes cannot be compared: give mpp alone"
        )
    return segmenter.diameter


def found_size(area_px: NDArray[Any], mpp: float) -> float | None:
    """Median diameter, um, of found objects, as disks of their area (N,), px; None where they are too few."""
    return None if len(area_px) < ENOUGH else float(2 * np.sqrt(np.median(area_px) / np.pi) * mpp)


@dataclass(frozen=True)
class SpacingTrial:
    """What a model finds in part of an image that is taken for one of some spacing."""

    rows: slice  # of the part, px of the image
    columns: slice
    centroids: NDArray[np.float64]  # (N, 2), x and y, px of the image
    area_px: NDArray[np.int64]  # (N,), px of the image

    def within(self, other: SpacingTrial) -> NDArray[np.int64]:
        """Areas of the objects that lie in the part of another trial."""
        x, y = self.centroids.T
        inside = (other.columns.start <= x) & (x < other.columns.stop) & (other.rows.start <= y) & (y < other.rows.stop)
        return self.area_px[inside]


@dataclass(frozen=True)
class Agreed:
    """How far two neighbouring spacings find the same objects."""

    difference: float  # in the size of objects and in their number, in factors of two
    diameter: float  # of objects by both, px of the image


def find_spacing(segmenter: Segmenter, image: Tensor) -> float:
    """The um per px that shows the nuclei of an image to a model at the size that it was trained for.

    A model that was trained on objects of many sizes finds the same ones over a range of spacings, and others, or none,
    beyond it. So spacings are tried one by one, and the two neighbours that agree best, in how large the objects are
    and how many, say how large a nucleus is in px. It says nothing of the microscope: nuclei that are twice as large
    look like a magnification that is.

    Args:
        segmenter: of a model that says its typical diameter.
        image: float32 (C, H, W) in [0, 1].

    Raises:
        ValueError: too few objects are found at any spacing; the model's diameter is unknown.
    """
    usual = usual_diameter(segmenter)
    agreements = [found for pair in pairwise(try_spacings(segmenter, image)) if (found := agreement(*pair))]
    if not agreements:
        raise ValueError(
            f"the scale cannot be found: fewer than {FEWEST} objects at any of {TRIED[0]:.2g} to {TRIED[-1]:.2g} um per"
            " px; give --mpp, or the size of a nucleus in px (--diameter 24px)"
        )
    return usual / min(agreements, key=lambda each: each.difference).diameter


def try_spacings(segmenter: Segmenter, image: Tensor) -> list[SpacingTrial]:
    """What is found at each spacing of `TRIED`, the smallest first, in ever smaller parts; arguments as `find_spacing`.

    A part lies around the middle of what was found in the part before.
    """
    trials, middle = [], (image.shape[1] / 2, image.shape[2] / 2)
    for mpp in TRIED:
        rows, columns = _square(image, middle, FIELD * segmenter.mpp / mpp)
        found = segmenter(image[:, rows, columns], mpp)
        table = measure_objects(found.label, found.probability)
        centroids = table.centroids + (columns.start, rows.start)
        trials.append(SpacingTrial(rows, columns, centroids, table.area_px))
        if len(table):
            middle = (float(np.median(centroids[:, 1])), float(np.median(centroids[:, 0])))
    return trials


def agreement(wide: SpacingTrial, narrow: SpacingTrial) -> Agreed | None:
    """Compare two trials in the part of the second; None where either finds too few there."""
    one, other = wide.within(narrow), narrow.area_px
    if min(len(one), len(other)) < FEWEST:
        return None
    sizes = [2 * math.sqrt(np.median(area) / math.pi) for area in (one, other)]
    difference = abs(math.log2(sizes[0] / sizes[1])) + abs(math.log2(len(one) / len(other)))
    return Agreed(difference, math.sqrt(sizes[0] * sizes[1]))


def _square(image: Tensor, middle: tuple[float, float], side: float) -> tuple[slice, slice]:
    """Rows and columns of the square of this side, px, that lies around a place as far as the image allows."""
    spans = []
    for length, centre in zip(image.shape[1:], middle, strict=True):
        extent = min(length, max(round(side), 1))
        begin = min(max(round(centre - extent / 2), 0), length - extent)
        spans.append(slice(begin, begin + extent))
    return spans[0], spans[1]


def warn_other_size(path: str | os.PathLike[str], area_px: NDArray[Any], mpp: float, diameter: float | None) -> None:
    """Say that the objects found in an image have another size than the model's, with the factor.

    Args:
        path: of the image or slide.
        area_px: (N,) of the objects, px of the image.
        mpp: um per px that the image was taken for.
        diameter: typical object that the model was trained for, um; None: unknown, and nothing is said.
    """
    size = found_size(area_px, mpp)
    if size is None or diameter is None or 1 / UNUSUAL <= size / diameter <= UNUSUAL:
        return
    logger.warning(
        "%s: the median object measures %.1f um, %.1f times the %g um that the model was trained for. If %g um per px"
        " is not right, give --mpp, or, for an image, --mpp auto or the size of a nucleus in px (--diameter 24px)",
        path,
        size,
        size / diameter,
        diameter,
        mpp,
    )
