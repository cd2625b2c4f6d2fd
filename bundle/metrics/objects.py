# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Metrics of objects as wholes: object Dice, AJI and panoptic quality of one image.

All read the same `Overlaps`. Where neither label holds an object the image is not counted (NaN); where one of them
holds none every metric is 0. Ties go to the object that comes first in raster order.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .overlap import Overlaps

NAN = float("nan")


class PanopticQuality(NamedTuple):
    """Panoptic quality and its two factors, each in [0, 1] or NaN: pq = dq * sq."""

    pq: float
    dq: float
    sq: float


def object_dice(pairs: Overlaps) -> float:
    """Object Dice (Sirinukunwattana et al. 2017): Dice to the partner of largest overlap, area-weighted, both ways.

    Each true object is compared with the predicted object that covers most of it, and each predicted object with the
    true one that covers most of it; an object that nothing overlaps has Dice 0. The two means are halved and added.
    """
    if pairs.both_empty:
        return NAN
    areas = pairs.true_areas[pairs.true_index] + pairs.pred_areas[pairs.pred_index]  # (K,)
    dice = 2 * pairs.shared / areas  # (K,)
    of_true = _best(pairs.true_index, pairs.shared)
    of_pred = _best(pairs.pred_index, pairs.shared)
    forth = np.sum(dice[of_true] * pairs.true_areas[pairs.true_index[of_true]]) / max(pairs.true_areas.sum(), 1)
    back = np.sum(dice[of_pred] * pairs.pred_areas[pairs.pred_index[of_pred]]) / max(pairs.pred_areas.sum(), 1)
    return float((forth + back) / 2)


def aggregated_jaccard(pairs: Overlaps) -> float:
    """Aggregated Jaccard index, AJI (Kumar et al. 2017, Algorithm 1), in [0, 1].

    Each true object takes the predicted object of highest IoU, and a predicted object may serve several; their
    intersections are summed over their unions. A true object that nothing overlaps adds its own area to the unions
    and nothing else, and so does every predicted object that none took.
    """
    if pairs.both_empty:
        return NAN
    taken = _best(pairs.true_index, pairs.shared / pairs.unions)  # (true objects that something overlaps,)
    unused = np.ones(pairs.pred_areas.size, dtype=bool)
    unused[pairs.pred_index[taken]] = False
    intersection = pairs.shared[taken].sum()
    beyond_truth = pairs.pred_areas[pairs.pred_index[taken]].sum() - intersection
    return float(intersection / (pairs.true_areas.sum() + beyond_truth + pairs.pred_areas[unused].sum()))


def panoptic_quality(pairs: Overlaps) -> PanopticQuality:
    """Panoptic quality (Kirillov et al. 2019) of one class: objects match where IoU > 0.5, so matches are unique.

    dq = TP / (TP + FP / 2 + FN / 2); sq = mean IoU of the matches, 0 where there is none.
    """
    if pairs.both_empty:
        return PanopticQuality(NAN, NAN, NAN)
    matched = 2 * pairs.shared > pairs.unions  # (K,), in integers: exact at one half
    dq = 2 * np.count_nonzero(matched) / (pairs.true_areas.size + pairs.pred_areas.size)
    sq = np.mean(pairs.shared[matched] / pairs.unions[matched]) if matched.any() else 0.0
    return PanopticQuality(float(dq * sq), float(dq), float(sq))


def _best(group: np.ndarray, score: np.ndarray) -> np.ndarray:
    """For every group that occurs in `group` (K,): the position of its highest score, the first of equal ones."""
    order = np.lexsort((-score, group))  # stable
    return order[np.flatnonzero(np.diff(group[order], prepend=-1))]
