# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Seeds: one pixel each in raster order; cells against a slow search; instances that are one piece."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage

from transforms.instances.seeds import contacts, keep_with_seeds, seed_pixels, seed_points, voronoi_cells

SIZE = (17, 23)
anywhere = st.tuples(st.floats(-3, 25, width=32), st.floats(-3, 19, width=32))


def test_points_come_in_raster_order_one_to_a_pixel_and_none_from_outside():
    points = torch.tensor([[5.2, 3.0], [22.5, 1.0], [4.6, 2.9], [1.0, 3.4], [20.0, 0.2], [-0.6, 2.0]])
    assert (
        seed_points(points, SIZE).astype(np.float32).tolist()
        == torch.tensor([[20.0, 0.2], [1.0, 3.4], [4.6, 2.9]]).tolist()
    )


@given(st.lists(anywhere, max_size=30))
def test_every_pixel_belongs_to_a_nearest_seed(points):
    places = seed_points(torch.tensor(points).reshape(-1, 2), SIZE)
    cells, distance = voronoi_cells(places, SIZE)
    if not len(places):
        assert not cells.any() and np.isinf(distance).all()
        return
    row, column = seed_pixels(places)
    y, x = np.indices(SIZE)
    every = np.hypot(y[..., None] - row, x[..., None] - column)  # (H, W, n)
    np.testing.assert_allclose(distance, every.min(2))
    np.testing.assert_allclose(np.take_along_axis(every, cells[..., None] - 1, 2)[..., 0], distance)
    assert cells[row, column].tolist() == list(range(1, len(places) + 1))
    assert (np.diff(row * SIZE[1] + column) > 0).all()


def test_only_the_piece_with_the_seed_is_kept_and_its_holes_are_filled():
    label = np.zeros((7, 12), np.int32)
    label[1:6, 1:6] = 1
    label[3, 3] = 0  # a hole
    label[2, 2] = 2  # the seed of another, inside
    label[5, 7:9] = 1  # another piece
    label[6, 6] = 1  # touches by a corner alone
    cells = np.where(label == 2, 2, 1)
    kept = keep_with_seeds(label > 0, cells, np.array([[1.0, 1.0], [2.0, 2.0]]))
    expected = np.zeros_like(label)
    expected[1:6, 1:6] = 1
    expected[2, 2] = 2
    assert kept.tolist() == expected.tolist()
    assert ndimage.label(kept == 1)[1] == 1


def test_contacts_are_one_pixel_wide():
    assert (contacts(np.array([[1, 1, 2], [1, 1, 2], [3, 3, 3]])) > 0).tolist() == [
        [False, True, False],
        [True, True, True],
        [False, False, False],
    ]


@given(arrays(np.int32, st.tuples(st.integers(1, 6), st.integers(1, 6)), elements=st.integers(0, 3)))
def test_contacts_are_counted_at_an_objects_pixels_before_another_object(label):
    wider = np.pad(label, (0, 1))
    for (y, x), found in np.ndenumerate(contacts(label)):
        others = [other for other in (wider[y + 1, x], wider[y, x + 1]) if other not in (0, label[y, x])]
        assert found == (len(others) if label[y, x] > 0 else 0)
