# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Invented nuclei, counted by hand on drawn squares."""

from __future__ import annotations

import math

import pytest
import torch

from bundle.engines.invented import InventedNuclei, mean_ratio, objects_outside
from bundle.engines.panel import PanelState
from transforms.maps.hover import hover_map


def squares(*corners, side=4, size=32):
    """A label (1, size, size) with a square of `side` px at each corner (x, y)."""
    label = torch.zeros(1, size, size, dtype=torch.int32)
    for number, (x, y) in enumerate(corners, start=1):
        label[0, y : y + side, x : x + side] = number
    return label


def test_an_object_is_invented_when_most_of_it_lies_outside():
    mask = hover_map(squares((4, 4), (20, 20)))
    found = hover_map(squares((4, 6), (23, 20), (12, 4), (28, 28)))  # half in, a quarter in, out, out
    assert objects_outside(found, mask) == (3, 4)
    assert objects_outside(mask, mask) == (0, 2)
    assert objects_outside(torch.zeros(3, 32, 32), mask) == (0, 0)


def test_small_objects_do_not_count():
    mask = torch.zeros(3, 32, 32)
    assert objects_outside(hover_map(squares((4, 4), side=3)), mask) == (0, 0)


def test_each_crop_counts_alike():
    assert mean_ratio([100, 6, 9], [100, 2, 0]) == 2.0
    assert math.isnan(mean_ratio([3], [0]))


def look_at(labels, predicted, recovered):
    batch = {"label": torch.stack(labels), "hover_map": hover_map(torch.stack(labels))}
    pictures = {"predicted_map": hover_map(torch.stack(predicted)), "recovered_map": hover_map(torch.stack(recovered))}
    return PanelState(7, batch, pictures, None)


def test_numbers_by_hand():
    """Ids of a crop's label are those of its whole image, and the mask's own small objects count as little as F's."""
    first, second = squares((4, 4), (20, 20)), squares((8, 8)) * 117
    first[0, 0, 31] = 9
    look = look_at(
        [first, second],
        predicted=[squares((4, 4)), squares((8, 8), (16, 8), (24, 8), (8, 24))],  # 1 of 2, 4 of 1
        recovered=[squares((4, 4), (20, 20), (12, 28)), squares((8, 8))],  # 1 of 3 invented, 0 of 1
    )
    assert InventedNuclei().measure(look, {}) == pytest.approx({"objects_per_point": 2.25, "invented_share": 0.25})


def test_where_nothing_is_found_nothing_is_invented():
    empty = squares()
    numbers = InventedNuclei().measure(look_at([squares((4, 4))], [empty], [empty]), {})
    assert numbers == {"objects_per_point": 0.0, "invented_share": 0.0}
    assert InventedNuclei().judge(numbers, 1.0) == ""


@pytest.mark.parametrize(
    ("many", "share", "said"),
    [
        (1.49, 0.09, ""),
        (1.51, 0.0, "F finds 1.5 objects per point in real images (warned of above 1.5). "),
        (1.0, 0.2, "20% of the objects that F finds in painted images lie where their masks have none (warned of"),
        (math.nan, 0.0, ""),
    ],
)
def test_bounds(many, share, said):
    text = InventedNuclei().judge({"objects_per_point": many, "invented_share": share}, 0.25)
    assert text.startswith(said) and bool(text) == bool(said)


def test_a_young_segmenter_is_not_judged():
    numbers = {"objects_per_point": 30.0, "invented_share": 1.0}
    assert InventedNuclei().judge(numbers, 0.24) == ""
    assert "; 100% of" in InventedNuclei().judge(numbers, 0.26)
    assert InventedNuclei(after=0.0).judge(numbers, 0.0)
