# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The table of objects: where each lies, how large it is, how sure the network was of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from monai.config import NdarrayOrTensor
from monai.utils import convert_to_numpy

from ..files.csv_table import csv_text

COLUMNS = ("id", "x", "y", "area_px", "area_um2", "confidence")


@dataclass(frozen=True)
class ObjectTable:
    """One entry per object, in the order of the ids."""

    ids: np.ndarray  # (N,) int64, as in the label
    centroids: np.ndarray  # (N, 2) float64, x and y in px, pixel centres at integers
    area_px: np.ndarray  # (N,) int64
    area_um2: np.ndarray | None  # (N,) float64; None where the spacing is unknown
    confidence: np.ndarray  # (N,) float64 in [0, 1]: mean foreground probability inside the object

    def __len__(self) -> int:
        return len(self.ids)

    def columns(self) -> dict[str, np.ndarray]:
        """The table by column: name, one of COLUMNS, to (N,); an unknown area in um2 is NaN."""
        areas = np.full(len(self), np.nan) if self.area_um2 is None else self.area_um2
        columns = (self.ids, *self.centroids.T, self.area_px, areas, self.confidence)
        return dict(zip(COLUMNS, columns, strict=True))

    def as_csv(self) -> str:
        """The table as comma-separated text with the header COLUMNS; an unknown area in um2 is left empty."""
        areas = [""] * len(self) if self.area_um2 is None else [f"{area:.2f}" for area in self.area_um2]
        rows = (
            (self.ids[i], f"{x:.2f}", f"{y:.2f}", self.area_px[i], areas[i], f"{self.confidence[i]:.4f}")
            for i, (x, y) in enumerate(self.centroids)
        )
        return csv_text([COLUMNS, *rows])


def measure_objects(label: NdarrayOrTensor, probability: NdarrayOrTensor, mpp: float | None = None) -> ObjectTable:
    """Measure every object of a label.

    Args:
        label: integers (1, H, W), 0 = background; ids may have gaps.
        probability: foreground probability, (1, H, W).
        mpp: um per px, None = unknown.

    Raises:
        ValueError: label and probability differ in shape.
    """
    ids, value = convert_to_numpy(label), convert_to_numpy(probability)
    if ids.shape != value.shape:
        raise ValueError(f"label {ids.shape} and probability {value.shape} must have one shape (1, H, W)")
    _, y, x = np.nonzero(ids)
    owner = ids[0, y, x]
    area = np.bincount(owner)
    present = np.flatnonzero(area)
    area = area[present]
    sums = (np.bincount(owner, weights=weights)[present] for weights in (x, y, value[0, y, x]))
    mean_x, mean_y, confidence = (total / area for total in sums)
    return ObjectTable(
        present, np.stack((mean_x, mean_y), 1), area, None if mpp is None else area * float(mpp) ** 2, confidence
    )
