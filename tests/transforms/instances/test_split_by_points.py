# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""One instance per point: on ideal maps, where points and map disagree, and at the limits."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.instances.hover_to_label import split_by_points
from transforms.maps.hover import hover_map
from transforms.random_streams import generator
from transforms.shapes.draw import draw_label
from transforms.shapes.ellipses import EllipseSampler, UniformAreaLaw


def row(*widths: int) -> torch.Tensor:
    """A label of rectangles 6 px high side by side, in a frame of 3 px of background."""
    ids = torch.repeat_interleave(torch.arange(1, len(widths) + 1), torch.tensor(widths))
    return torch.nn.functional.pad(ids.expand(1, 6, -1), (3, 3, 3, 3)).int()


def test_an_ideal_map_and_its_points_give_the_label():
    label = row(6, 8, 5)
    points = torch.tensor([[5.0, 6.0], [12.0, 5.0], [19.0, 6.0]])
    expected = torch.tensor([0, 2, 1, 3])[label.long()]  # the second point lies in the upper row
    assert torch.equal(split_by_points(hover_map(label), points), expected.int())


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6))
def test_ideal_maps_of_crowds_come_back(seed):
    places = torch.cartesian_prod(torch.arange(7), torch.arange(7)) * 12.0 + 6
    points = places + torch.rand(49, 2, generator=generator(seed)) * 8 - 4
    label = draw_label(EllipseSampler(UniformAreaLaw(12.0).fit([points]))(points, generator(seed, 1)), (84, 84))
    found = split_by_points(hover_map(label), points, radius=0.5)
    assert len(found.unique()) == 50
    assert torch.equal(found > 0, label > 0)
    assert (found == label).float().mean() > 0.98


def test_one_object_with_two_points_is_split_between_them():
    found = split_by_points(hover_map(row(12)), torch.tensor([[5.0, 5.5], [12.0, 5.5]]))[0]
    assert found[3:9, 3:9].eq(1).all() and found[3:9, 9:15].eq(2).all()


def test_where_the_map_says_nothing_the_nearer_point_wins():
    noise = 0.05 * torch.randn(3, 20, 44, generator=generator(0))
    noise[2] = 1
    found = split_by_points(noise, torch.tensor([[10.0, 10.0], [33.0, 10.0]]))[0]
    assert (found[:, :22] == 1).float().mean() > 0.97 and (found[:, 22:] == 2).float().mean() > 0.97


def test_foreground_without_a_point_is_dropped_and_a_point_on_background_gets_a_disk():
    label = torch.zeros(1, 12, 30, dtype=torch.int32)
    label[0, 3:9, 3:9], label[0, 3:9, 14:20] = 1, 2
    found = split_by_points(hover_map(label), torch.tensor([[5.0, 5.0], [25.0, 5.0]]), radius=1.0)[0]
    assert torch.equal(found == 1, label[0] == 1)
    assert (found == 2).nonzero().tolist() == [[4, 25], [5, 24], [5, 25], [5, 26], [6, 25]]


def test_no_pixel_is_further_than_the_largest_radius_from_its_point():
    filled = torch.zeros(3, 40, 40)
    filled[2] = 1
    points = torch.tensor([[10.3, 12.0], [16.0, 12.0], [30.0, 30.0]])
    found = split_by_points(filled, points, max_radius=7.0)[0]
    for number, point in enumerate(points, 1):
        place = (found == number).nonzero().flip(1)
        assert (place - point).norm(dim=1).max() <= 7


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), count=st.integers(0, 25))
def test_exactly_one_instance_per_point_whatever_the_map(seed, count):
    drawn = generator(seed)
    noise = torch.rand(3, 25, 31, generator=drawn) * 2 - 1
    own = torch.cartesian_prod(torch.arange(31), torch.arange(25))[torch.randperm(31 * 25, generator=drawn)[:count]]
    points = own + torch.rand(count, 2, generator=drawn) - 0.5
    found = split_by_points(noise, points, radius=2.0, max_radius=6.0)
    order = (own[:, 1] * 31 + own[:, 0]).argsort()
    assert found[0, own[order, 1], own[order, 0]].tolist() == list(range(1, count + 1))
    assert int(found.max()) == count


def test_points_outside_the_image_are_left_out_and_no_points_give_nothing():
    ideal = hover_map(row(6))
    found = split_by_points(ideal, torch.tensor([[-4.0, 3.0], [5.0, 5.0]]))
    assert torch.equal(found, row(6))
    assert not split_by_points(ideal, torch.zeros(0, 2)).any()


def test_bad_maps_are_refused():
    with pytest.raises(ValueError, match=r"\(3, H, W\)"):
        split_by_points(torch.zeros(1, 5, 5), torch.zeros(1, 2))
