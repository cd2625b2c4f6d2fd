# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Drawing ellipses and wavy outlines: by hand, against a slow version, and crops against wholes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import transforms.shapes.pixel_windows
from transforms.random_streams import generator
from transforms.shapes.draw import draw_label, draw_labels


def random_ellipses(seed: int, count: int, side: float) -> torch.Tensor:
    """(count, 5) with centres up to 10 px outside a square, half axes of 0.3 to 8 px."""
    drawn = torch.rand(count, 5, generator=generator(seed))
    centre = drawn[:, :2] * (side + 20) - 10
    return torch.cat([centre, 0.3 + drawn[:, 2:4] * 7.7, drawn[:, 4:] * 3.14159], 1)


def draw_slowly(ellipses: torch.Tensor, size: tuple[int, int]) -> np.ndarray:
    """One ellipse after the other over the whole image, in the order of their centres' pixels."""
    shapes = ellipses.double().numpy()
    pixel = np.floor(shapes[:, :2] + 0.5)
    shapes = shapes[np.lexsort((pixel[:, 0], pixel[:, 1]))]
    row, column = np.indices(size)
    best, label = np.full(size, np.inf), np.zeros(size, int)
    for number, (x, y, major, minor, angle) in enumerate(shapes, 1):
        along = (column - x) * np.cos(angle) + (row - y) * np.sin(angle)
        across = (row - y) * np.cos(angle) - (column - x) * np.sin(angle)
        distance = ((along / major) ** 2 + (across / minor) ** 2).astype(np.float32)
        distance[(column == np.floor(x + 0.5)) & (row == np.floor(y + 0.5))] = 0
        wins = (distance <= 1) & (distance < best)
        best[wins], label[wins] = distance[wins], number
    return np.unique(label, return_inverse=True)[1].reshape(size) if (label == 0).any() else label


def test_a_disk_by_hand():
    label = draw_label(torch.tensor([[2.0, 1.0, 1.0, 1.0, 0.0]]), (3, 5))
    assert label.dtype == torch.int32
    assert label.tolist() == [[[0, 0, 1, 0, 0], [0, 1, 1, 1, 0], [0, 0, 1, 0, 0]]]


def test_the_angle_turns_from_x_towards_y():
    along_x = torch.tensor([[2.0, 2.0, 2.0, 0.5, 0.0]])
    down_right = torch.tensor([[2.0, 2.0, 3.0, 0.5, np.pi / 4]])
    assert draw_label(along_x, (5, 5))[0].nonzero().tolist() == [[2, 0], [2, 1], [2, 2], [2, 3], [2, 4]]
    assert draw_label(down_right, (5, 5))[0].nonzero().tolist() == [[0, 0], [1, 1], [2, 2], [3, 3], [4, 4]]


def test_the_smaller_normalised_distance_wins_a_pixel():
    large, small = [0.0, 0.0, 10.0, 1.0, 0.0], [6.0, 0.0, 2.0, 1.0, 0.0]
    # at x = 4: 0.4 of the large one's way, all of the small one's; at x = 5: half of both ways
    label = draw_label(torch.tensor([large, small]), (1, 9))
    assert label[0, 0].tolist() == [1, 1, 1, 1, 1, 1, 2, 2, 1]


def test_ids_follow_the_raster_order_of_the_centres():
    centres = [[5.0, 5.4], [1.0, 5.0], [7.0, 1.0]]  # the first two lie in one row of pixels
    label = draw_label(torch.tensor([[*centre, 1.0, 1.0, 0.0] for centre in centres]), (8, 9))[0]
    assert [label[5, 5], label[5, 1], label[1, 7]] == [3, 2, 1]


def test_a_point_keeps_its_pixel_under_a_larger_ellipse_and_below_a_pixel_of_size():
    label = draw_label(torch.tensor([[4.4, 4.4, 0.1, 0.1, 0.0], [4.0, 5.0, 4.0, 4.0, 0.0]]), (10, 10))[0]
    assert label[4, 4] == 1 and label[5, 4] == 2
    assert (label == 1).sum() == 1


@pytest.mark.parametrize("group", [1 << 21, 50])  # px: all ellipses together, and a few at a time
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), count=st.integers(0, 30))
def test_equal_to_the_slow_version(group, seed, count):
    ellipses = random_ellipses(seed, count, 30)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(transforms.shapes.pixel_windows, "PIXELS_AT_ONCE", group)
        assert np.array_equal(draw_label(ellipses, (30, 34))[0], draw_slowly(ellipses, (30, 34)))


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), x=st.integers(-5, 30), y=st.integers(-5, 30))
def test_a_crop_is_the_crop_of_the_whole(seed, x, y):
    ellipses = random_ellipses(seed, 40, 40)
    whole = draw_label(ellipses, (60, 60), (-10, -10))[0]
    part = whole[y + 10 : y + 26, x + 10 : x + 30]
    crop = draw_label(ellipses, (16, 20), (x, y))[0]
    pairs = torch.unique(torch.stack([part.flatten(), crop.flatten()]), dim=1)
    assert len(pairs[0]) == len(pairs[0].unique()) == len(pairs[1].unique())
    assert torch.equal(pairs[1].sort().values, pairs[1]) and torch.equal(part == 0, crop == 0)


def test_a_batch_is_its_crops_one_by_one():
    ellipses = [random_ellipses(0, 20, 30), torch.zeros(0, 5), random_ellipses(1, 7, 30), random_ellipses(2, 30, 30)]
    origins = [(0, 0), (3, 4), (-5, 8), (11, 2)]
    batch = draw_labels(ellipses, origins, (17, 23))
    assert batch.shape == (4, 1, 17, 23) and batch.dtype == torch.int32
    for label, shapes, origin in zip(batch, ellipses, origins, strict=True):
        assert torch.equal(label, draw_label(shapes, (17, 23), origin))


@pytest.mark.parametrize("columns", [5, 11])
def test_any_device_draws_and_none_is_asked_for_a_size(columns):
    shapes = [torch.rand(9, columns, generator=generator(i)) + 5 for i in range(2)]
    label = draw_labels(shapes, [(0, 0), (1, 2)], (17, 23), device="meta")
    assert label.is_meta and label.shape == (2, 1, 17, 23) and label.dtype == torch.int32


def test_many_objects_keep_exact_ids():
    rows, columns = torch.meshgrid(torch.arange(300.0), torch.arange(300.0), indexing="ij")
    ellipses = torch.stack([columns, rows, *torch.full((2, 300, 300), 0.4), torch.zeros(300, 300)], 2).view(-1, 5)
    shuffled = ellipses[torch.randperm(90_000, generator=generator(0))]
    assert torch.equal(draw_label(shuffled, (300, 300)).flatten(), torch.arange(1, 90_001, dtype=torch.int32))


# Wavy outlines


def random_waves(seed: int, count: int, side: float, waves: int) -> torch.Tensor:
    """(count, 5 + 2 * waves): the ellipses above with amplitudes below 0.9 in all, of either sign."""
    drawn = torch.rand(2, count, waves, generator=generator(seed, 1))
    amplitudes, phases = (drawn[0] - 0.5) * 1.8 / waves, drawn[1] * 6.28318
    return torch.cat([random_ellipses(seed, count, side), amplitudes, phases], 1)


def draw_waves_slowly(shapes: torch.Tensor, size: tuple[int, int]) -> np.ndarray:
    """One shape after the other over the whole image, by the angle of every pixel."""
    rows = shapes.double().numpy()
    pixel = np.floor(rows[:, :2] + 0.5)
    rows = rows[np.lexsort((pixel[:, 0], pixel[:, 1]))]
    count = (rows.shape[1] - 5) // 2
    row, column = np.indices(size)
    best, label = np.full(size, np.inf), np.zeros(size, int)
    for number, (x, y, major, minor, angle, *waves) in enumerate(rows, 1):
        along = ((column - x) * np.cos(angle) + (row - y) * np.sin(angle)) / major
        across = ((row - y) * np.cos(angle) - (column - x) * np.sin(angle)) / minor
        phi = np.arctan2(across, along)
        radius = 1 + sum(waves[i] * np.cos((i + 2) * phi + waves[count + i]) for i in range(count))
        distance = np.hypot(along, across) / radius
        distance[(column == np.floor(x + 0.5)) & (row == np.floor(y + 0.5))] = 0
        wins = (distance <= 1) & (distance < best)
        best[wins], label[wins] = distance[wins], number
    return np.unique(label, return_inverse=True)[1].reshape(size) if (label == 0).any() else label


def test_two_waves_stretch_a_disk_by_hand():
    shape = [3.0, 2.0, 2.05, 2.05, 0.0, 0.5, 0.0]  # radius 2.05 (1 + 0.5 cos 2 phi): 3 along x, 1 along y
    label = draw_label(torch.tensor([shape]), (5, 7))
    assert label[0].tolist() == [
        [0, 0, 0, 0, 0, 0, 0],
        [0, 1, 1, 1, 1, 1, 0],
        [1, 1, 1, 1, 1, 1, 1],
        [0, 1, 1, 1, 1, 1, 0],
        [0, 0, 0, 0, 0, 0, 0],
    ]
    turned = draw_label(torch.tensor([[2.0, 3.0, 2.05, 2.05, 0.0, 0.5, np.pi]]), (7, 5))
    assert torch.equal(turned, label.transpose(1, 2))


def test_waves_count_from_the_semi_major_axis():
    turn = 0.7
    shape = [20.0, 20.0, 9.0, 5.0, 0.0, 0.0, 0.3, 0.0, 1.1]  # three waves
    lopsided = draw_label(torch.tensor([shape]), (41, 41))[0].nonzero().double() - 20
    shape[4] = turn
    label = draw_label(torch.tensor([shape]), (41, 41))[0]
    x = lopsided[:, 1] * np.cos(turn) - lopsided[:, 0] * np.sin(turn)
    y = lopsided[:, 1] * np.sin(turn) + lopsided[:, 0] * np.cos(turn)
    turned = (label[(y + 20.5).long(), (x + 20.5).long()] > 0).double().mean()
    turned_by_half = (label[(20.5 - y).long(), (20.5 - x).long()] > 0).double().mean()
    assert turned > 0.9 and turned_by_half < turned - 0.05


@pytest.mark.parametrize("group", [1 << 21, 50])  # px: all shapes together, and a few at a time
@pytest.mark.parametrize("waves", [1, 3])
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6), count=st.integers(0, 30))
def test_waves_are_equal_to_the_slow_version(group, waves, seed, count):
    """Over the whole crop: no pixel is outside the windows that are visited."""
    shapes = random_waves(seed, count, 30, waves)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(transforms.shapes.pixel_windows, "PIXELS_AT_ONCE", group)
        assert np.array_equal(draw_label(shapes, (30, 34))[0], draw_waves_slowly(shapes, (30, 34)))


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6), count=st.integers(0, 30))
def test_flat_waves_are_ellipses(seed, count):
    ellipses = random_ellipses(seed, count, 30)
    flat = torch.cat([ellipses, torch.zeros(count, 3), torch.rand(count, 3, generator=generator(seed))], 1)
    assert torch.equal(draw_label(flat, (30, 34)), draw_label(ellipses, (30, 34)))


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6), x=st.integers(-5, 30), y=st.integers(-5, 30))
def test_a_wavy_crop_is_the_crop_of_the_whole(seed, x, y):
    shapes = random_waves(seed, 40, 40, 3)
    part = draw_label(shapes, (60, 60), (-10, -10))[0][y + 10 : y + 26, x + 10 : x + 30]
    crop = draw_label(shapes, (16, 20), (x, y))[0]
    pairs = torch.unique(torch.stack([part.flatten(), crop.flatten()]), dim=1)
    assert len(pairs[0]) == len(pairs[0].unique()) == len(pairs[1].unique())
    assert torch.equal(pairs[1].sort().values, pairs[1]) and torch.equal(part == 0, crop == 0)


def test_a_point_keeps_its_pixel_under_waves():
    shapes = torch.tensor([[4.4, 4.4, 0.1, 0.1, 0.0, 0.2, 0.0], [4.0, 5.0, 4.0, 4.0, 0.0, 0.2, 1.0]])
    label = draw_label(shapes, (10, 10))[0]
    assert label[4, 4] == 1 and label[5, 4] == 2 and (label == 1).sum() == 1
