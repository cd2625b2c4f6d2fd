# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The joint histogram: known counts, any ids and any container of them, bad input."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from monai.data import MetaTensor

from bundle.metrics.overlap import label_array, overlaps, runs

TRUTH = np.array([[7, 7, 0, 0], [7, 7, 0, 3], [0, 0, 0, 3]])
PRED = np.array([[0, 9, 9, 0], [0, 9, 9, 1], [0, 0, 0, 0]])


def test_known_counts():
    # in raster order: true 7 (4 px), 3 (2 px); predicted 9 (4 px), 1 (1 px); 7 and 9 share 2 px, 3 and 1 share 1 px
    pairs = overlaps(PRED, TRUTH)
    assert pairs.true_areas.tolist() == [4, 2]
    assert pairs.pred_areas.tolist() == [4, 1]
    assert list(zip(pairs.true_index, pairs.pred_index, pairs.shared, strict=True)) == [(0, 0, 2), (1, 1, 1)]
    assert pairs.unions.tolist() == [6, 2]


@pytest.mark.parametrize(
    "form",
    [
        lambda label: label[None],
        lambda label: label.astype(np.uint16),
        lambda label: np.asfortranarray(label),
        lambda label: torch.from_numpy(label),
        lambda label: MetaTensor(torch.from_numpy(label)[None]),
        lambda label: label.astype(np.uint64) * 10**18,
        lambda label: label * 70_000,
    ],
)
def test_every_form_of_a_label_counts_the_same(form):
    expected, got = overlaps(PRED, TRUTH), overlaps(form(PRED), TRUTH)
    for name in ("true_areas", "pred_areas", "true_index", "pred_index", "shared"):
        np.testing.assert_array_equal(getattr(got, name), getattr(expected, name))


def test_no_background_at_all():
    pairs = overlaps(np.full((2, 3), 5), np.full((2, 3), 8))
    assert (pairs.true_areas.tolist(), pairs.pred_areas.tolist(), pairs.shared.tolist()) == ([6], [6], [6])


def test_runs_end_with_the_row():
    starts, lengths = runs(np.array([[1, 1, 2], [2, 2, 2]]))
    assert starts.tolist() == [0, 2, 3]
    assert lengths.tolist() == [2, 1, 3]


@pytest.mark.parametrize("shape", [(0, 4), (4,), (2, 4, 4), (1, 1, 4, 4)])
def test_a_label_of_another_shape_is_refused(shape):
    with pytest.raises(ValueError, match="pred has the shape"):
        label_array(np.zeros(shape, dtype=np.int32), "pred")


@pytest.mark.parametrize("dtype", [np.float32, bool])
def test_ids_that_are_no_integers_are_refused(dtype):
    with pytest.raises(TypeError, match="truth is"):
        label_array(np.zeros((4, 4), dtype=dtype), "truth")


def test_negative_ids_are_refused():
    with pytest.raises(ValueError, match="-3"):
        label_array(np.array([[0, -3]]), "pred")


def test_sizes_that_differ_are_refused():
    with pytest.raises(ValueError, match=r"\(4, 4\).*\(4, 5\)"):
        overlaps(np.zeros((4, 4), dtype=int), np.zeros((4, 5), dtype=int))
