# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""What the current model finds in an image, or in the part of a slide that is looked at: kept until either changes."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from shapely import MultiPolygon, Polygon
from transforms.pixel_centres import from_corner

from ...label_server.images import objects_of_label, segment_image
from ...label_server.query import Query
from ...label_server.slides import objects_of_slide
from ...objects.polygons import SlideObject
from ...slides.grid import Box
from ...slides.listing import is_slide

KEPT = 8  # images whose objects stay in memory
LARGEST = 1 << 24  # px of a slide that are looked through at once, at its finest level


@dataclass(frozen=True)
class Found:
    """Objects of one image.

    Attributes:
        objects: in px from the image's corner.
        areas: their outlines in px of clicks, pixel centres at integers.
        centres: float64 (N, 2), x and y in px of clicks; each lies in its object.
        confidence: float64 (N,), mean foreground probability of each.
        box: the part of a slide that was looked through; None: the whole image.
        mpp: um per px, None = unknown.
    """

    objects: tuple[SlideObject, ...]
    areas: tuple[MultiPolygon, ...]
    centres: NDArray[np.float64]
    confidence: NDArray[np.float64]
    box: Box | None = None
    mpp: float | None = None

    @classmethod
    def of(cls, objects: list[SlideObject], box: Box | None, mpp: float | None) -> Found:
        """What is known of the objects that were found."""
        areas = tuple(_polygons_of(each) for each in objects)
        inside = [area.centroid if area.covers(area.centroid) else area.representative_point() for area in areas]
        centres = np.array([(point.x, point.y) for point in inside], np.float64).reshape(-1, 2)
        confidence = np.array([each.measurements.get("Confidence", np.nan) for each in objects], np.float64)
        return cls(tuple(objects), areas, centres, confidence, box, mpp)

    def doubt(self) -> float:
        """How little the model is sure of what it found here, from 0 (sure) to 1; 0 where it found nothing."""
        return float(np.mean(1 - self.confidence)) if len(self.confidence) else 0.0


class Findings:
    """What models found; not to be called from two threads at once."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[object, ...], Found] = OrderedDict()

    def find(self, path: Path, query: Query, box: Box | None = None) -> Found:
        """The objects of an image, or of a part of a slide.

        Args:
            path: image or slide.
            query: the model, and the um per px that the user states.
            box: of a slide, px of its finest level; of an image that is read whole it does not matter.

        Raises:
            OSError, ValueError: image or model cannot be read or do not fit, or the part of a slide is too large.
        """
        whole = not is_slide(path)
        key = path, path.stat().st_mtime_ns, query, query.identity, None if whole else box
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        self._kept[key] = _in_image(path, query) if whole else _in_slide(path, query, box)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return self._kept[key]


def _in_image(path: Path, query: Query) -> Found:
    found, mpp = segment_image(path, query)
    return Found.of(list(objects_of_label(found, mpp, [])), None, mpp)


def _in_slide(path: Path, query: Query, box: Box | None) -> Found:
    if box is None or box.width * box.height > LARGEST:
        raise ValueError(
            f"{path.name}: more of the slide is in view than can be looked through at once: come closer, until about"
            f" {round(LARGEST**0.5):,} x {round(LARGEST**0.5):,} px are in view"
        )
    objects, mpp = objects_of_slide(path, query, [box])
    return Found.of(objects, box, mpp)


def _polygons_of(item: SlideObject) -> MultiPolygon:
    parts = [Polygon(from_corner(part.exterior), [from_corner(hole) for hole in part.holes]) for part in item.parts]
    return MultiPolygon(parts)
