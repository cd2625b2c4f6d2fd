# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Metrics of the foreground alone, whichever object a pixel belongs to: pixel IoU and pixel F1."""

from __future__ import annotations

from .overlap import Overlaps


def pixel_iou(pairs: Overlaps) -> float:
    """Shared foreground over joined foreground, in [0, 1]; NaN where both labels are empty."""
    if pairs.both_empty:
        return float("nan")
    shared, summed = pairs.shared.sum(), pairs.true_areas.sum() + pairs.pred_areas.sum()
    return float(shared / (summed - shared))


def pixel_f1(pairs: Overlaps) -> float:
    """F1 (Dice) of foreground against background, in [0, 1]; NaN where both labels are empty."""
    if pairs.both_empty:
        return float("nan")
    return float(2 * pairs.shared.sum() / (pairs.true_areas.sum() + pairs.pred_areas.sum()))
