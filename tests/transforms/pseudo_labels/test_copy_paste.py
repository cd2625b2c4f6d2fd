# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Copied nuclei: pixels come from where the label says, mirrored alike, and every point has one."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from transforms.instances.seeds import seed_pixels, seed_points
from transforms.pseudo_labels.copy_paste import choose_shapes, copy_paste, move_shapes, opacity
from transforms.random_streams import generator
from transforms.shapes.area_laws import UniformAreaLaw
from transforms.shapes.draw import draw_label
from transforms.shapes.ellipses import EllipseSampler

SIZE = (60, 80)
SAMPLER = EllipseSampler(UniformAreaLaw(10.0, k=0.6))


def grid_points(jitter: float = 0.4) -> Tensor:
    places = torch.cartesian_prod(torch.arange(10, 80, 15), torch.arange(8, 60, 14)).float()
    return places + jitter * (2 * torch.rand(places.shape, generator=generator(5)) - 1)


def chart(seed: int = 0) -> Tensor:
    return torch.rand(3, *SIZE, generator=generator(seed))


def pasted(points: Tensor, seed: int = 0, background: Tensor | None = None) -> tuple[Tensor, Tensor]:
    shapes, wanted = SAMPLER(points, generator(seed)), SAMPLER.law.draw(points, generator(seed, 1))
    ground = torch.full((3, *SIZE), 0.5) if background is None else background
    return copy_paste(chart(), shapes, ground, wanted, 10.0, generator(seed, 2))


def test_pixels_are_those_of_another_place_and_the_rest_is_background() -> None:
    image, label = pasted(grid_points())
    source = {tuple(colour) for colour in chart().flatten(1).T.tolist()}
    inside = torch.nn.functional.avg_pool2d((label > 0).float(), 5, 1, 2) == 1  # away from soft edges
    inside &= torch.nn.functional.max_pool2d(label.float(), 3, 1, 1) == -torch.nn.functional.max_pool2d(
        -label.float(), 3, 1, 1
    )
    assert inside.sum() > 100
    assert all(tuple(colour) in source for colour in image[:, inside[0]].T.tolist())
    outside = torch.nn.functional.max_pool2d((label > 0).float(), 5, 1, 2) == 0
    assert (image[:, outside[0]] == 0.5).all()
    assert image.shape == (3, *SIZE) and 0 <= image.min() and image.max() <= 1


@pytest.mark.parametrize("flip", [(1, 1), (-1, 1), (1, -1), (-1, -1)])
def test_a_shape_in_a_mirror_is_its_mask_in_a_mirror(flip: tuple[int, int]) -> None:
    shapes = torch.tensor([[20.3, 30.4, 9.0, 4.0, 0.6]])
    mirror, old, new = torch.tensor([flip]), torch.tensor([[20, 30]]), torch.tensor([[50, 25]])
    moved = draw_label(move_shapes(shapes, old, new, mirror), (60, 80))[0]
    y, x = draw_label(shapes, (60, 80))[0].nonzero(as_tuple=True)
    expected = torch.zeros_like(moved)
    expected[25 + flip[1] * (y - 30), 50 + flip[0] * (x - 20)] = 1
    assert torch.equal(moved, expected)


def test_the_edge_is_soft() -> None:
    shape = torch.tensor([[0.0, 0.0, 8.0, 8.0, 0.0]]).expand(5, 5)
    pixel = torch.tensor([[0.0, 0.0], [7.0, 0.0], [8.0, 0.0], [8.5, 0.0], [0.0, 9.0]])
    assert opacity(pixel, shape, 1.0).tolist() == pytest.approx([1, 1, 0.5, 0.25, 0])


def test_nuclei_are_about_as_large_as_wanted_and_whole() -> None:
    axes = torch.linspace(2, 8, 100)
    shapes = torch.stack([torch.full_like(axes, 40), torch.full_like(axes, 30), axes, axes, axes * 0], 1)
    shapes[::2, 0] = 1.0  # these reach over the left edge
    wanted = math.pi * torch.tensor([2.0, 5.0, 8.0]) ** 2
    chosen = choose_shapes(shapes, wanted.repeat_interleave(200), SIZE, generator(0)).view(3, 200)
    assert (chosen % 2 == 1).all()
    lowest, highest = shapes[chosen, 2].amin(1), shapes[chosen, 2].amax(1)
    assert (highest - lowest).tolist() == pytest.approx([19 * 6 / 99 * 2] * 3, abs=0.01)  # of 20 alike
    assert lowest[1] < 5 < highest[1]
    alone = shapes[:1]
    assert choose_shapes(alone, wanted, SIZE, generator(0)).tolist() == [0, 0, 0]  # rather than none


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 40))
def test_every_point_has_one_nucleus(seed: int, count: int) -> None:
    drawn = torch.rand(count, 2, generator=generator(seed)) * torch.tensor([80.0, 60.0]) - 0.5
    points = torch.from_numpy(seed_points(drawn, SIZE)).float()
    points = points[torch.randperm(len(points), generator=generator(seed, 1))]  # in any order
    image, label = pasted(points, seed)
    ids = label[0].numpy()
    places = seed_points(points, SIZE)
    assert ids[seed_pixels(places)].tolist() == list(range(1, len(points) + 1)) and ids.max() == len(points)
    assert all(torch.equal(one, other) for one, other in zip((image, label), pasted(points, seed), strict=True))


def test_other_draws_give_other_images() -> None:
    assert not torch.equal(pasted(grid_points(), 1)[0], pasted(grid_points(), 2)[0])


def test_the_background_given_stays_as_it_is() -> None:
    ground = torch.full((3, *SIZE), 0.5)
    pasted(grid_points(), background=ground)
    assert (ground == 0.5).all()


def test_areas_are_those_of_the_law() -> None:
    points = grid_points()
    areas = [np.bincount(pasted(points, seed)[1].flatten().numpy())[1:].mean() for seed in range(8)]
    drawn = [(math.pi * s[:, 2] * s[:, 3]).mean() for s in (SAMPLER(points, generator(i)) for i in range(8))]
    assert np.mean(areas) == pytest.approx(np.mean(drawn), rel=0.2)
