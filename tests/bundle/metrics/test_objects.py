# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Pixel and object metrics: answers worked by hand on small grids, properties, MONAI's PQ, and the time they take."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from monai.metrics import PanopticQualityMetric

from bundle.metrics import aggregated_jaccard, label_metrics, object_dice, overlaps, panoptic_quality
from bundle.metrics.pixel import pixel_f1, pixel_iou

OF_MASKS = ("iou", "f1", "dice", "aji", "pq", "dq", "sq")  # 1 for a perfect label, 0 where one of two is empty

TRUTH = """
    1 1 1 1 . .
    1 1 1 1 . .
    . . . . 2 2
    . . . . 2 2
    3 3 . . . .
    3 3 . . . .
"""
PRED = """
    1 1 1 . . .
    1 1 1 . . .
    . . . . . .
    . . . . 2 2
    . . . . 2 2
    . 4 . . . 5
"""
# object   area   predicted   area   shared   union   IoU   Dice
# 1        8      1           6      6        8       3/4   12/14
# 2        4      2           4      2        6       1/3   4/8
# 3        4      4           1      1        4       1/4   2/5
# none            5           1
# foreground: 16 true, 12 predicted, 9 shared


def grid(text: str) -> np.ndarray:
    return np.array([[0 if id_ == "." else int(id_) for id_ in row.split()] for row in text.strip().splitlines()])


labels = arrays(np.int32, (6, 7), elements=st.integers(0, 5))
pairs_of_labels = st.tuples(labels, labels)


def mask_metrics(pred: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    return {name: value for name, value in label_metrics(pred, truth).items() if name in OF_MASKS}


def test_pixels_by_hand():
    pairs = overlaps(grid(PRED), grid(TRUTH))
    assert pixel_iou(pairs) == pytest.approx(9 / 19)
    assert pixel_f1(pairs) == pytest.approx(18 / 28)


def test_object_dice_by_hand():
    forth = 8 / 16 * 12 / 14 + 4 / 16 * 4 / 8 + 4 / 16 * 2 / 5
    back = 6 / 12 * 12 / 14 + 4 / 12 * 4 / 8 + 1 / 12 * 2 / 5 + 1 / 12 * 0
    assert object_dice(overlaps(grid(PRED), grid(TRUTH))) == pytest.approx((forth + back) / 2)


def test_aji_by_hand():
    # intersections 6 + 2 + 1; unions 8 + 6 + 4, and prediction 5 that nobody took adds 1
    assert aggregated_jaccard(overlaps(grid(PRED), grid(TRUTH))) == pytest.approx(9 / 19)


def test_panoptic_quality_by_hand():
    # one match (3/4), three predictions without, two true objects without: dq = 1 / (1 + 3/2 + 2/2)
    assert panoptic_quality(overlaps(grid(PRED), grid(TRUTH))) == pytest.approx((2 / 7 * 3 / 4, 2 / 7, 3 / 4))


def test_aji_lets_a_prediction_serve_several_objects():
    truth, pred = grid("1 1 2 2"), grid("7 7 7 7")
    # both true objects take prediction 7: 2 + 2 over 4 + 4
    assert aggregated_jaccard(overlaps(pred, truth)) == pytest.approx(4 / 8)


def test_aji_takes_the_highest_iou_and_not_the_largest_overlap():
    truth, pred = grid("1 1 1 1 1 . . . . . ."), grid("2 2 3 3 3 3 3 3 3 3 3")
    # IoU with 2: 2/5; with 3: 3/11. 2 is taken, 3 is unused: 2 / (5 + 9)
    assert aggregated_jaccard(overlaps(pred, truth)) == pytest.approx(2 / 14)


def test_an_object_that_nothing_overlaps_adds_its_own_area_only():
    truth, pred = grid("1 1 . . 2 2 2"), grid("1 1 . . . . .")
    # not paired with prediction 1 a second time: 2 / (2 + 3), not 2 / (2 + 5)
    assert aggregated_jaccard(overlaps(pred, truth)) == pytest.approx(2 / 5)


def test_dice_takes_the_largest_overlap_and_not_the_highest_dice():
    truth, pred = grid("1 1 1 1 1 . . . . . ."), grid("2 2 3 3 3 3 3 3 3 3 3")
    forth = 2 * 3 / (5 + 9)
    back = 2 / 11 * 2 * 2 / (2 + 5) + 9 / 11 * 2 * 3 / (9 + 5)
    assert object_dice(overlaps(pred, truth)) == pytest.approx((forth + back) / 2)


def test_a_match_needs_more_than_half():
    assert panoptic_quality(overlaps(grid("1 . . ."), grid("1 1 . ."))) == (0, 0, 0)  # IoU 1/2
    assert panoptic_quality(overlaps(grid("1 1 . ."), grid("1 1 1 .")))[1] == 1  # IoU 2/3


def test_both_empty_is_not_counted():
    empty = np.zeros((3, 4), dtype=np.int32)
    assert all(math.isnan(value) for value in label_metrics(empty, empty).values())


def test_one_empty_is_zero():
    empty, full = np.zeros((6, 6), dtype=np.int32), grid(TRUTH)
    for pred, truth in ((empty, full), (full, empty)):
        found = label_metrics(pred, truth)
        assert {name: found[name] for name in (*OF_MASKS, "detection_f1")} == dict.fromkeys(
            (*OF_MASKS, "detection_f1"), 0.0
        )


@given(labels)
def test_perfect_is_one(label):
    assume(label.any())
    assert mask_metrics(label, label) == pytest.approx(dict.fromkeys(mask_metrics(label, label), 1.0))


@given(labels)
def test_values_stay_in_range(label):
    truth = np.roll(label, 2, axis=1)
    assert all(math.isnan(value) or 0 <= value <= 1 for value in label_metrics(label, truth).values())


@given(pairs_of_labels, st.permutations(range(1, 6)), st.integers(1, 100_000))
def test_relabelling_changes_nothing(pair, order, factor):
    pred, truth = pair
    renamed = np.array([0, *order]) * factor
    expected = label_metrics(pred, truth)
    assert label_metrics(renamed[pred], truth) == pytest.approx(expected, nan_ok=True)
    assert label_metrics(pred, renamed[truth]) == pytest.approx(expected, nan_ok=True)


@given(pairs_of_labels)
def test_all_but_aji_are_symmetric(pair):
    pred, truth = pair
    forth, back = mask_metrics(pred, truth), mask_metrics(truth, pred)
    forth.pop("aji"), back.pop("aji")
    assert forth == pytest.approx(back, nan_ok=True)


@given(labels, st.integers(1, 5))
def test_a_missed_nucleus_costs_its_area_in_aji(truth, missed):
    assume(np.unique(truth[truth > 0]).size > 1 and (truth == missed).any())
    total, area = np.count_nonzero(truth), np.count_nonzero(truth == missed)
    pred = np.where(truth == missed, 0, truth)
    assert aggregated_jaccard(overlaps(pred, truth)) == pytest.approx((total - area) / total)


@given(labels, st.integers(1, 5))
def test_an_invented_nucleus_adds_its_area_to_the_unions_of_aji(pred, invented):
    assume(np.unique(pred[pred > 0]).size > 1 and (pred == invented).any())
    total, area = np.count_nonzero(pred), np.count_nonzero(pred == invented)
    truth = np.where(pred == invented, 0, pred)
    assert aggregated_jaccard(overlaps(pred, truth)) == pytest.approx((total - area) / total)


@pytest.mark.parametrize("name", ["pq", "rq", "sq"])
def test_panoptic_quality_is_monais(name):
    generator = np.random.default_rng(3)
    truth = np.kron(generator.integers(0, 9, (5, 5)), np.ones((6, 6), dtype=np.int64))
    pred = np.roll(truth, (1, 2), axis=(0, 1))
    metric = PanopticQualityMetric(num_classes=1, metric_name=name)
    metric(*(torch.from_numpy(np.stack([label, label > 0]))[None] for label in (pred, truth)))
    ours = panoptic_quality(overlaps(pred, truth))
    assert 0 < ours.pq < 1
    assert {"pq": ours.pq, "rq": ours.dq, "sq": ours.sq}[name] == pytest.approx(metric.aggregate().item(), abs=1e-5)


def test_a_million_pixels_in_a_tenth_of_a_second():
    y, x = np.mgrid[:1000, :1000]
    cell_y, cell_x = y // 37, x // 37  # 27 x 27 cells of 37 px, a disk in each
    inside = (y % 37 - 18) ** 2 + (x % 37 - 18) ** 2 <= 100
    truth = np.where(inside & (cell_y < 27) & (cell_x < 26), cell_y * 26 + cell_x + 1, 0).astype(np.int32)
    assert truth.max() == 702
    pred = np.roll(truth, (2, 3), axis=(0, 1))

    def seconds() -> float:
        start = time.process_time()
        pairs = overlaps(pred, truth)
        aggregated_jaccard(pairs), panoptic_quality(pairs), object_dice(pairs)
        return time.process_time() - start

    assert min(seconds() for _ in range(5)) < 0.1
