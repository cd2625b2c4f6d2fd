# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""ImageJ and Fiji: a selection (.roi) or the ROI Manager's set (.zip). Point selections are clicks, areas outlines.

The conventions are those of the documentation of `ij.gui.Roi` (ImageJ 1.52t, March 2020, and later): for points and
lines integer coordinates are the centres of pixels, as here, so nothing is changed; for areas they are the top-left
corners, so half a pixel is taken off. Coordinates are px, whatever the image's calibration. Points that an older ImageJ
stored with decimals were measured from the corner: `--shift -0.5` takes that off.

The class is the number of the multi-point tool's counter or, where only one is used, of the ROI's group.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator
from functools import reduce
from pathlib import Path
from zipfile import BadZipFile, ZipFile

import numpy as np
import shapely
from roifile import ROI_TYPE, ImagejRoi
from shapely.geometry.base import BaseGeometry
from transforms.budget import MOST_ENTRIES, MOST_UNPACKED, check_budget
from transforms.pixel_centres import HALF_PIXEL

from ..clicks import Clicks, Outline, area_of, as_points, warn_of_planes

logger = logging.getLogger(__name__)

AREAS = (ROI_TYPE.POLYGON, ROI_TYPE.FREEHAND, ROI_TYPE.TRACED, ROI_TYPE.RECT, ROI_TYPE.OVAL)
SPLIT = "save the set in several archives, or as points (Multi-point tool) in one selection"
LARGEST = 1 << 26  # bytes of one selection; 65,535 points need less than one


def read_imagej(path: Path) -> list[Clicks]:
    """Read one file, which is for one image.

    Raises:
        ValueError: damaged, no selection in it, or a selection that is too large to be one.
    """
    points: list[np.ndarray] = []
    names: list[str | None] = []
    planes: list[tuple[int, ...]] = []
    outlines: list[Outline] = []
    others: Counter[str] = Counter()
    for roi in _rois(path):
        if roi.roitype == ROI_TYPE.POINT:
            found = as_points(path, np.asarray(roi.coordinates(), np.float64).tolist())
            points.append(found)
            names += _classes(roi, len(found))
            planes += _planes(roi, len(found))
        elif roi.roitype in AREAS:
            outlines.append(Outline(_area(path, roi), _group(roi)))
        else:
            others[roi.roitype.name.lower()] += 1
    if others:
        left_out = ", ".join(f"{count} {kind}" for kind, count in sorted(others.items()))
        logger.warning("%s: selections that are neither points nor areas are left out: %s", path, left_out)
    warn_of_planes(path, planes)
    return [Clicks(path, np.concatenate([np.zeros((0, 2)), *points]), tuple(names), tuple(outlines))]


def _rois(path: Path) -> Iterator[ImagejRoi]:
    for name, content in _members(path) if path.suffix.lower() == ".zip" else [("", path.read_bytes())]:
        try:
            yield ImagejRoi.frombytes(content)
        except Exception as error:  # a decoder fed with damaged bytes may raise anything
            raise ValueError(f"{path}: {name or 'it'} is no whole ImageJ selection ({error}): save it again") from error


def _members(path: Path) -> list[tuple[str, bytes]]:
    try:
        with ZipFile(path) as archive:
            entries = [entry for entry in archive.infolist() if entry.filename.lower().endswith(".roi")]
            if not entries:
                raise ValueError(
                    f"{path}: holds no .roi: save the set in ImageJ's ROI Manager (More, Save), or unpack the archive"
                    " and give what is in it"
                )
            check_budget(str(path), len(entries), MOST_ENTRIES, "selections", SPLIT)
            check_budget(str(path), sum(entry.file_size for entry in entries), MOST_UNPACKED, "bytes unpacked", SPLIT)
            for entry in entries:
                if entry.file_size > LARGEST:
                    raise ValueError(f"{path}: {entry.filename} has {entry.file_size} bytes, no selection is so large")
            return [(entry.filename, archive.read(entry)) for entry in entries]
    except (BadZipFile, RuntimeError) as error:
        raise ValueError(f"{path}: is no whole archive ({error}): save the set again") from error


def _planes(roi: ImagejRoi, count: int) -> list[tuple[int, ...]]:
    """Where in a stack each point lies: the selection's slice or, of a hyperstack, its channel, slice and frame."""
    own = roi.position, roi.c_position, roi.z_position, roi.t_position
    slices = [0] * count if roi.counter_positions is None else roi.counter_positions.tolist()
    return [(*own, each) for each in slices]


def _classes(roi: ImagejRoi, count: int) -> list[str | None]:
    counters = [] if roi.counters is None else roi.counters.tolist()
    return [str(counter) for counter in counters] if len(set(counters)) > 1 else [_group(roi)] * count


def _group(roi: ImagejRoi) -> str | None:
    return str(roi.group) if roi.group else None


def _area(path: Path, roi: ImagejRoi) -> BaseGeometry:
    """A composite selection is what an odd number of its rings enclose."""
    rings = [np.asarray(ring, np.float64) - HALF_PIXEL for ring in roi.coordinates(multi=True)]
    areas = [area_of(path, [as_points(path, ring.tolist(), "vertex")]) for ring in rings]
    return reduce(shapely.symmetric_difference, areas)
