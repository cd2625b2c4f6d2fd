# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Geodesic objectness: paths against a slow search, alpha by hand, one instance per point whatever comes."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from torch import Tensor

from transforms.instances.seeds import seed_pixels, seed_points
from transforms.pseudo_labels.geodesic import LENGTH_COST, fit_alpha, geodesic_distance, geodesic_label, objectness
from transforms.random_streams import generator


def slow_distance(image: Tensor, points: Tensor, diameter: float) -> np.ndarray:
    """All steps again and again until no path gets shorter, (H, W)."""
    colours = image.double().numpy()
    height, width = colours.shape[1:]
    distance = np.full((height, width), math.inf)
    distance[seed_pixels(seed_points(points, (height, width)))] = 0
    before = None
    while before is None or not np.array_equal(before, distance):
        before = distance.copy()
        for y, x, dy, dx in np.ndindex(height, width, 3, 3):
            v, u = y + dy - 1, x + dx - 1
            if (dy, dx) != (1, 1) and 0 <= v < height and 0 <= u < width:
                step = np.linalg.norm(colours[:, y, x] - colours[:, v, u])
                step += math.hypot(dy - 1, dx - 1) * LENGTH_COST * 24 / diameter
                distance[y, x] = min(distance[y, x], distance[v, u] + step)
    return distance


def test_a_step_costs_the_difference_of_colours_and_its_length() -> None:
    image = torch.tensor([0.0, 0.0, 1.0, 1.0]).expand(3, 1, 4)
    distance, owner = geodesic_distance(image, torch.tensor([[0.0, 0.0]]), 24.0)
    grey = 1 / 255
    np.testing.assert_allclose(distance[0], [0, grey, math.sqrt(3) + 2 * grey, math.sqrt(3) + 3 * grey], rtol=1e-6)
    assert owner.tolist() == [[1, 1, 1, 1]]


@pytest.mark.parametrize("seed", range(4))
def test_paths_are_the_truly_shortest(seed: int) -> None:
    image = torch.rand(1 + 2 * (seed % 2), 9, 11, generator=generator(seed))
    image[:, 4, :9] = 1  # a wall to go around
    points = torch.rand(3, 2, generator=generator(seed, 1)) * torch.tensor([11.0, 9.0]) - 0.5
    distance, owner = geodesic_distance(image, points, 7.0)
    np.testing.assert_allclose(distance, slow_distance(image, points, 7.0), rtol=1e-5)
    alone = [geodesic_distance(image, torch.tensor(place)[None], 7.0)[0] for place in seed_points(points, (9, 11))]
    np.testing.assert_allclose(np.take_along_axis(np.stack(alone), owner[None] - 1, 0)[0], distance, rtol=1e-5)


def test_alpha_gives_as_many_pixels_as_asked_for() -> None:
    distances = [np.array([[0.0, 5.0], [1.0, 4.0]]), np.array([[2.0, 3.0, 9.0]])]
    alpha = fit_alpha(distances, 3.2)
    assert alpha == pytest.approx(math.log(2) / 9)
    assert sum(int((objectness(each, alpha) > 0.5 + 1e-9).sum()) for each in distances) == 3


@pytest.mark.parametrize("pixels", [0.0, 7.0, 99.0])
def test_objects_that_do_not_fit_are_refused(pixels: float) -> None:
    with pytest.raises(ValueError, match=r"do not fit into training images of 7 px"):
        fit_alpha([np.arange(7.0)[None]], pixels)
    with pytest.raises(ValueError, match="do not fit"):
        fit_alpha([], 3)


def test_a_disc_of_one_colour_comes_back() -> None:
    y, x = np.mgrid[:60, :70]
    inside = np.hypot(x - 30, y - 25) < 9.5
    image = torch.from_numpy(np.where(inside, 0.3, 0.8))[None].float()
    points = torch.tensor([[33.0, 27.0]])
    distance, owner = geodesic_distance(image, points, 19.0)
    label = geodesic_label(distance, owner, points, fit_alpha([distance], inside.sum()))
    assert np.array_equal(label[0].numpy() > 0, inside)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 30), st.floats(2, 60))
def test_one_instance_per_point_whatever_the_image(seed: int, count: int, area: float) -> None:
    image = torch.rand(3, 41, 53, generator=generator(seed))
    points = torch.rand(count, 2, generator=generator(seed, 1)) * torch.tensor([53.0, 41.0]) - 0.5
    distance, owner = geodesic_distance(image, points, 12.0)
    label = geodesic_label(distance, owner, points, fit_alpha([distance], count * area))
    ids, places = label[0].numpy(), seed_points(points, (41, 53))
    assert ids[seed_pixels(places)].tolist() == list(range(1, len(places) + 1)) and ids.max() == len(places)
    assert all(ndimage.label(ids == i + 1)[1] == 1 for i in range(len(places)))
    assert (owner[ids > 0] == ids[ids > 0]).all()
    again = geodesic_distance(image, points, 12.0)
    assert np.array_equal(distance, again[0]) and np.array_equal(owner, again[1])


def test_in_one_colour_the_nearest_point_wins() -> None:
    points = torch.tensor([[8.0, 10.0], [31.0, 10.0]])
    distance, owner = geodesic_distance(torch.full((3, 20, 40), 0.4), points, 12.0)
    assert (owner[:, :19] == 1).all() and (owner[:, 21:] == 2).all()
    label = geodesic_label(distance, owner, points, fit_alpha([distance], 2 * 36))
    assert 50 <= (label > 0).sum() <= 72  # a ring of equal distance is left out as a whole
    assert label.max() == 2


def test_no_points_give_nothing_and_bad_images_are_refused() -> None:
    distance, owner = geodesic_distance(torch.rand(3, 5, 6), torch.zeros(0, 2), 12.0)
    assert np.isinf(distance).all() and not owner.any()
    assert not geodesic_label(distance, owner, torch.zeros(0, 2), 1.0).any()
    with pytest.raises(ValueError, match="NaN or infinity"):
        geodesic_distance(torch.full((3, 5, 6), torch.nan), torch.ones(1, 2), 12.0)
