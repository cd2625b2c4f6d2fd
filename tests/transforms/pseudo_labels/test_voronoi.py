# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Voronoi cells and colour clusters: stained discs come back, and one connected instance per point whatever comes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from torch import Tensor

from transforms.instances.seeds import seed_pixels, seed_points, voronoi_cells
from transforms.pseudo_labels.voronoi import k_means, refine, voronoi_label, without_specks
from transforms.random_streams import generator

BRIGHT, DARK = (0.9, 0.75, 0.85), (0.35, 0.2, 0.5)


def discs(size: tuple[int, int], centres: list[tuple[float, float]], radius: float) -> Tensor:
    y, x = np.mgrid[: size[0], : size[1]]
    distance = np.stack([np.hypot(x - cx, y - cy) for cx, cy in centres])
    return torch.from_numpy(np.where(distance.min(0) < radius, distance.argmin(0) + 1, 0).astype(np.int32))[None]


def tissue(label: Tensor, noise: float = 0.03) -> Tensor:
    colours = torch.tensor([BRIGHT, DARK])[(label[0] > 0).long()].movedim(2, 0)
    return (colours + noise * torch.randn(colours.shape, generator=generator(0))).clamp(0, 1)


def check_instances(label: Tensor, points: Tensor) -> None:
    """Exactly one connected instance per point, on its pixel, inside its cell, ids in raster order."""
    size = (label.shape[1], label.shape[2])
    places = seed_points(points, size)
    ids = label[0].numpy()
    assert label.dtype == torch.int32
    assert ids[seed_pixels(places)].tolist() == list(range(1, len(places) + 1)) and ids.max(initial=0) == len(places)
    assert all(ndimage.label(ids == i + 1)[1] == 1 for i in range(len(places)))
    assert (ids[ids > 0] == voronoi_cells(places, size)[0][ids > 0]).all()


CENTRES = [(20.0, 18.0), (60.0, 20.0), (90.0, 24.0), (28.0, 66.0), (80.0, 64.0)]
TRUTH = discs((90, 110), CENTRES, 10.5)


@pytest.mark.parametrize("channels", [1, 3])
def test_stained_discs_come_back_but_for_the_rim_that_is_shrunk(channels: int) -> None:
    points = torch.tensor(CENTRES) + torch.tensor([[2.0, -1.0]])  # clicks are off centre
    label, weight = voronoi_label(tissue(TRUTH)[:channels], points, 21.0)
    check_instances(label, points)
    found, true = label > 0, TRUTH > 0
    assert not (found & ~true).any()
    inner = discs((90, 110), CENTRES, 10.5 - 3 * 21 / 24) > 0  # what is shrunk, 2 units, and half a unit for the grid
    assert (found & inner).sum() > 0.97 * inner.sum()
    assert (weight[found] == 1).all() and weight.unique().tolist() == [0, 1]
    assert not found[:, 45:, 45:60].any() and weight[:, 35:50, 50:60].mean() > 0.9  # far from all points


def test_a_border_between_two_cells_is_background_and_the_rim_of_a_nucleus_undecided() -> None:
    points = torch.tensor([[10.0, 10.0], [21.0, 10.0]])
    label, weight = voronoi_label(tissue(discs((60, 60), points.tolist(), 4.0), 0.0), points, 10.0)
    outside = label[0] == 0
    assert weight[0, 22:, 15][outside[22:, 15]].all()
    rim = (discs((60, 60), points.tolist(), 4.0)[0] > 0) & outside
    assert rim.any() and not weight[0][rim & (torch.arange(60) != 15)].any()


def test_a_solid_piece_loses_two_units_all_around_and_a_hole_is_closed() -> None:
    nuclear = discs((90, 90), [(45, 45)], 20.0)[0].numpy() > 0
    nuclear[40:46, 44:47] = False
    for unit in (1.0, 0.5):
        refined = refine(nuclear, np.ones((90, 90), np.int32), unit)
        area = np.pi * (20 - 2 * unit) ** 2
        assert area * 0.93 < refined.sum() < area * 1.07
        assert refined[42, 45]


def test_the_edge_of_the_image_shrinks_nothing() -> None:
    nuclear = np.zeros((40, 60), bool)
    nuclear[:20, 10:40] = True
    refined = refine(nuclear, np.ones((40, 60), np.int32), 1.0)
    assert refined[0, 15:35].all() and not refined[19].any()


def test_specks_are_dropped() -> None:
    mask = np.zeros((20, 20), bool)
    mask[2:5, 2:5] = mask[10:12, 10:12] = mask[12, 12] = True  # 9 px, and 5 px that touch by a corner
    assert without_specks(mask, 6).sum() == 9 and without_specks(mask, 5).sum() == 14
    assert not without_specks(np.zeros((4, 4), bool), 3).any()


def test_centres_move_to_the_means_and_one_that_nothing_is_near_stays() -> None:
    features = np.array([[0.0], [1.0], [10.0], [12.0]])
    assert k_means(features, np.array([[2.0], [3.0], [99.0]])).tolist() == [[0.5], [11.0], [99.0]]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 30), st.sampled_from([3.0, 12.0, 40.0]))
def test_one_instance_per_point_whatever_the_image(seed: int, count: int, diameter: float) -> None:
    image = torch.rand(3, 41, 53, generator=generator(seed))
    points = torch.rand(count, 2, generator=generator(seed, 1)) * torch.tensor([60.0, 50.0]) - 4  # some outside
    label, weight = voronoi_label(image, points, diameter)
    check_instances(label, points)
    assert weight.shape == label.shape and ((weight == 0) | (weight == 1)).all() and (weight[label > 0] == 1).all()
    again, _ = voronoi_label(image, points, diameter)
    assert torch.equal(label, again)


@pytest.mark.parametrize("points", [[], [[11.0, 9.0]], [[11.0, 9.0], [30.0, 20.0], [11.2, 9.1]]])
def test_an_image_of_one_colour_and_few_points(points: list[list[float]]) -> None:
    places = torch.tensor(points).reshape(-1, 2)
    label, weight = voronoi_label(torch.full((3, 40, 50), 0.5), places, 12.0)
    check_instances(label, places)
    assert weight.any() == bool(points)


def test_a_diameter_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="typical diameter must be a positive number"):
        voronoi_label(torch.zeros(3, 9, 9), torch.zeros(1, 2), 0.0)
