# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The object table: values worked by hand, gaps in ids, unknown spacing."""

from __future__ import annotations

import csv

import numpy as np
import pytest
import torch

from bundle.objects.table import COLUMNS, measure_objects

LABEL = torch.tensor([[[5, 5, 0, 0], [5, 0, 0, 9], [0, 0, 0, 9]]], dtype=torch.int32)
PROBABILITY = torch.tensor([[[0.9, 0.6, 0.1, 0.0], [0.6, 0.2, 0.0, 1.0], [0.0, 0.0, 0.0, 0.5]]])


def test_values_by_hand():
    table = measure_objects(LABEL, PROBABILITY, mpp=0.5)
    assert table.ids.tolist() == [5, 9]
    assert table.area_px.tolist() == [3, 2]
    assert table.area_um2.tolist() == [0.75, 0.5]
    assert np.allclose(table.centroids, [[1 / 3, 1 / 3], [3, 1.5]])
    assert np.allclose(table.confidence, [0.7, 0.75])


def test_csv_has_one_row_per_object():
    rows = list(csv.DictReader(measure_objects(LABEL, PROBABILITY, 0.5).as_csv().splitlines()))
    assert rows[1] == dict(zip(COLUMNS, ["9", "3.00", "1.50", "2", "0.50", "0.7500"], strict=True))
    assert len(rows) == 2


def test_unknown_spacing_leaves_um2_empty():
    table = measure_objects(LABEL, PROBABILITY)
    assert table.area_um2 is None
    assert [row["area_um2"] for row in csv.DictReader(table.as_csv().splitlines())] == ["", ""]


def test_no_object_gives_the_header_alone():
    table = measure_objects(torch.zeros(1, 4, 4, dtype=torch.int32), torch.rand(1, 4, 4), 0.5)
    assert len(table) == 0
    assert table.as_csv() == ",".join(COLUMNS) + "\n"


def test_equals_a_loop_over_objects():
    rng = np.random.default_rng(0)
    label, probability = rng.integers(0, 12, (1, 30, 40)), rng.random((1, 30, 40))
    table = measure_objects(label, probability)
    for i, identity in enumerate(table.ids):
        y, x = np.nonzero(label[0] == identity)
        assert np.allclose(table.centroids[i], [x.mean(), y.mean()])
        assert table.confidence[i] == pytest.approx(probability[0][label[0] == identity].mean())
    assert table.area_px.sum() == (label > 0).sum()


def test_different_sizes_are_refused():
    with pytest.raises(ValueError, match="one shape"):
        measure_objects(LABEL, PROBABILITY[:, :2])
