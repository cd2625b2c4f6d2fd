# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The metrics against a slow version of their definitions: sets of pixels, fractions and loops."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from bundle.metrics import detection_f1, evaluate_label

Objects = list[frozenset[tuple[int, int]]]


def objects_of(label: np.ndarray) -> Objects:
    """Objects as sets of pixels, in raster order of their first pixel."""
    found: dict[int, set[tuple[int, int]]] = {}
    for pixel, id_ in np.ndenumerate(label):
        if id_ != 0:
            found.setdefault(int(id_), set()).add(pixel)
    return [frozenset(pixels) for pixels in found.values()]


def iou(a: frozenset, b: frozenset) -> Fraction:
    return Fraction(len(a & b), len(a | b))


def dice(a: frozenset, b: frozenset) -> Fraction:
    return Fraction(2 * len(a & b), len(a) + len(b))


def slow_aji(pred: Objects, truth: Objects) -> Fraction:
    intersection = union = 0
    used = set()
    for true_object in truth:
        best = max(range(len(pred)), key=lambda index: iou(true_object, pred[index]), default=None)
        if best is None or iou(true_object, pred[best]) == 0:
            union += len(true_object)
            continue
        used.add(best)
        intersection += len(true_object & pred[best])
        union += len(true_object | pred[best])
    union += sum(len(pred_object) for index, pred_object in enumerate(pred) if index not in used)
    return Fraction(intersection, union)


def slow_one_way_dice(objects: Objects, partners: Objects) -> Fraction:
    area, total = sum(map(len, objects)), Fraction(0)
    for one in objects:
        partner = max(partners, key=lambda other: len(one & other), default=frozenset())
        total += Fraction(len(one), area) * dice(one, partner)
    return total


def slow_panoptic(pred: Objects, truth: Objects) -> tuple[Fraction, Fraction, Fraction]:
    matches = [iou(a, b) for a in truth for b in pred if iou(a, b) > Fraction(1, 2)]
    dq = Fraction(2 * len(matches), len(truth) + len(pred))
    sq = sum(matches) / len(matches) if matches else Fraction(0)
    return dq * sq, dq, sq


def slow_metrics(pred: Objects, truth: Objects) -> dict[str, Fraction]:
    pixels_pred, pixels_true = frozenset().union(*pred), frozenset().union(*truth)
    pq, dq, sq = slow_panoptic(pred, truth)
    return {
        "iou": iou(pixels_pred, pixels_true),
        "f1": dice(pixels_pred, pixels_true),
        "dice": (slow_one_way_dice(truth, pred) + slow_one_way_dice(pred, truth)) / 2,
        "aji": slow_aji(pred, truth),
        "pq": pq,
        "dq": dq,
        "sq": sq,
    }


def most_pairs(near: list[set[int]], taken: frozenset[int] = frozenset()) -> int:
    """Most one-to-one pairs, by trying everything."""
    if not near:
        return 0
    with_first = (1 + most_pairs(near[1:], taken | {other}) for other in near[0] - taken)
    return max([most_pairs(near[1:], taken), *with_first])


@settings(max_examples=150, deadline=None)
@given(arrays(np.int64, (5, 6), elements=st.integers(0, 4)), arrays(np.int64, (5, 6), elements=st.integers(0, 4)))
def test_metrics_equal_their_definitions(pred, truth):
    got = evaluate_label(pred, truth)
    if not pred.any() and not truth.any():
        assert all(np.isnan(value) for value in got.values())
        return
    expected = {key: float(value) for key, value in slow_metrics(objects_of(pred), objects_of(truth)).items()}
    assert len(expected) == 7 and {key: got[key] for key in expected} == pytest.approx(expected)


few_points = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=1, max_size=5)


@settings(max_examples=150, deadline=None)
@given(few_points, few_points, st.sampled_from([1.0, 1.5, 2.5]))
def test_detection_pairs_as_many_points_as_can_be(pred, true, radius):
    near = [{j for j, b in enumerate(true) if (a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2 <= radius**2} for a in pred]
    got = detection_f1(np.array(pred), np.array(true), radius)
    assert got == pytest.approx(2 * most_pairs(near) / (len(pred) + len(true)))
