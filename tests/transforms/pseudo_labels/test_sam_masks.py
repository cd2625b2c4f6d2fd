# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Masks of another model: the right one for each point, shared pixels divided, and one instance per point always."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from transforms.instances.seeds import seed_pixels, seed_points
from transforms.pseudo_labels.sam_masks import Proposal, label_from_masks, proposal_of_page, proposals_of_ids
from transforms.random_streams import generator

SIZE = (30, 40)


def box(top: int, left: int, height: int, width: int, score: float = 0.0) -> Proposal:
    return Proposal(np.ones((height, width), bool), (top, left), score)


def label_of(masks: list[Proposal], points: list[list[float]], **lengths: float) -> tuple[np.ndarray, np.ndarray]:
    label, weight = label_from_masks(masks, torch.tensor(points), SIZE, **{"core": 1.0, "max_radius": 50.0} | lengths)
    return label[0].numpy(), weight[0].numpy()


def test_a_point_takes_the_smallest_mask_that_holds_it() -> None:
    label, weight = label_of([box(0, 0, 30, 40), box(8, 8, 5, 6), box(2, 2, 20, 20)], [[10.0, 10.0]])
    expected = np.zeros(SIZE)
    expected[8:13, 8:14] = 1
    assert np.array_equal(label, expected) and (weight == 1).all()


def test_the_best_score_goes_before_size() -> None:
    label, _ = label_of([box(8, 8, 5, 6, 0.3), box(2, 2, 20, 20, 0.9), box(9, 9, 3, 3, 0.8)], [[10.0, 10.0]])
    assert (label > 0).sum() == 400


def test_a_mask_of_two_points_is_divided_half_way_and_a_larger_mask_gets_more() -> None:
    label, _ = label_of([box(10, 5, 4, 20)], [[9.0, 11.0], [20.0, 11.0]])
    assert (label[10:14, 5:15] == 1).all() and (label[10:14, 15:25] == 2).all()
    label, _ = label_of([box(5, 0, 20, 25), box(12, 18, 6, 16)], [[10.0, 15.0], [26.0, 15.0]])
    ratio = np.sqrt(500 / 96)
    y, x = np.nonzero(label == 2)
    assert (np.hypot(x - 26, y - 15) * ratio <= np.hypot(x - 10, y - 15))[x < 25].all()
    assert (label[15, 18:22] == 1).all() and (label[15, 23:34] == 2).all()


def test_a_point_that_no_mask_holds_gets_a_disk_and_a_ring_of_doubt() -> None:
    label, weight = label_of([box(10, 20, 5, 5)], [[8.0, 12.0], [22.0, 12.0]], core=1.0, max_radius=15.0)
    assert np.argwhere(label == 1).tolist() == [[11, 8], [12, 7], [12, 8], [12, 9], [13, 8]]
    y, x = np.mgrid[: SIZE[0], : SIZE[1]]
    assert np.array_equal(weight == 0, (np.hypot(x - 8, y - 12) <= 15) & (label != 2))


def test_nothing_is_further_than_the_largest_radius() -> None:
    label, _ = label_of([box(0, 0, 30, 40)], [[20.0, 15.0]], max_radius=6.0)
    y, x = np.nonzero(label)
    assert np.hypot(x - 20, y - 15).max() == 6


def test_holes_of_a_mask_are_filled_but_for_what_is_in_another() -> None:
    ring = np.ones((9, 9), bool)
    ring[2:7, 2:7] = False
    label, _ = label_of([Proposal(ring, (5, 5)), box(8, 8, 2, 2)], [[5.0, 5.0], [8.0, 8.0]])
    assert (label == 1).sum() == 77 and (label[8:10, 8:10] == 2).all()


def test_ids_and_pages_become_masks() -> None:
    ids = np.zeros(SIZE, np.int32)
    ids[3:5, 6:9], ids[4, 6], ids[10, 20] = 7, 0, 2
    first, second = proposals_of_ids(ids)
    assert (first.origin, first.area, second.origin, second.area) == ((10, 20), 1, (3, 6), 5)
    page = proposal_of_page(ids == 7, 0.5)
    assert page is not None and page.score == 0.5 and page.origin == (3, 6)
    assert np.array_equal(page.pixels, second.pixels) and proposal_of_page(ids == 1) is None


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 20), st.integers(0, 25))
def test_one_instance_per_point_whatever_the_masks(seed: int, count: int, proposed: int) -> None:
    drawn = generator(seed)
    points = torch.rand(count, 2, generator=drawn) * torch.tensor([44.0, 34.0]) - 2  # some outside
    pages = torch.rand(proposed, *SIZE, generator=drawn).numpy() > 0.4  # full of holes and pieces
    masks = [page for page in map(proposal_of_page, pages) if page is not None]
    label, weight = label_from_masks(masks, points, SIZE, 2.0, 9.0)
    ids, places = label[0].numpy(), seed_points(points, SIZE)
    assert label.dtype == torch.int32 and ids.max() == len(places)
    assert ids[seed_pixels(places)].tolist() == list(range(1, len(places) + 1))
    assert all(ndimage.label(ids == i + 1)[1] == 1 for i in range(len(places)))
    assert weight.shape == label.shape and set(weight.unique().tolist()) <= {0.0, 1.0}


@pytest.mark.parametrize("points", [torch.zeros(0, 2), torch.tensor([[99.0, 3.0]])])
def test_without_points_there_is_nothing(points: torch.Tensor) -> None:
    label, weight = label_from_masks([box(1, 1, 5, 5)], points, SIZE, 1.0, 9.0)
    assert not label.any() and weight.all()
