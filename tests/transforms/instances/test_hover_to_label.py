# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Hover maps to instances: ideal maps come back, shrunken and noisy ones nearly so, and tiles agree."""

from __future__ import annotations

import itertools
import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from monai.data import MetaTensor
from scipy.ndimage import gaussian_filter

from transforms.instances.hover_to_label import HoverToLabel, HoverToLabeld, hover_to_label, raster_ids
from transforms.maps.hover import hover_map
from transforms.maps.points import merge_duplicates
from transforms.random_streams import generator
from transforms.resample import resample_points, resampled_size
from transforms.shapes.draw import draw_label
from transforms.shapes.ellipses import EllipseSampler, TightAreaLaw, UniformAreaLaw


def crowd(seed: int, rows: int = 7) -> torch.Tensor:
    """A label of rows x rows ellipses of typically 12 px, 12 px apart give or take 4: most of them touch."""
    places = torch.cartesian_prod(torch.arange(rows), torch.arange(rows)) * 12.0 + 6
    points = places + torch.rand(rows * rows, 2, generator=generator(seed)) * 8 - 4
    sampler = EllipseSampler(UniformAreaLaw(12.0).fit([points]))
    return draw_label(sampler(points, generator(seed, 1)), (12 * rows, 12 * rows))


def best_ious(label: torch.Tensor, found: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
    """For every object of the label: the best IoU among those found, and its area in px."""
    rows, columns = int(label.max()) + 1, int(found.max()) + 1
    pair = label.long().flatten() * columns + found.long().flatten()
    table = np.bincount(pair.numpy(), minlength=rows * columns).reshape(rows, columns)
    union = table.sum(1, keepdims=True) + table.sum(0) - table
    iou = (table / np.maximum(union, 1))[1:, 1:]
    return iou.max(1, initial=0), table.sum(1)[1:]


def assert_recovered(label: torch.Tensor, found: torch.Tensor) -> None:
    """Every object of at least 10 px is found with IoU > 0.7."""
    iou, area = best_ious(label, found)
    assert (iou[area >= 10] > 0.7).all()
    assert int(found.max()) == (area >= 10).sum()


def test_touching_squares_come_back_exactly():
    squares = torch.arange(1, 13, dtype=torch.int32).view(1, 3, 4)
    label = squares.repeat_interleave(4, 1).repeat_interleave(5, 2)
    assert torch.equal(hover_to_label(hover_map(label)), label)


@pytest.mark.parametrize("smoothing", [0, 0.5])
@settings(max_examples=25, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10**6))
def test_ideal_maps_of_crowds_come_back(smoothing, seed):
    label = crowd(seed)
    assert_recovered(label, hover_to_label(hover_map(label), smoothing=smoothing))


def test_offsets_that_a_network_shrinks_give_the_same_instances():
    label = crowd(0)
    shrunken = hover_map(label) * torch.tensor([0.2, 0.2, 1])[:, None, None]
    assert_recovered(label, hover_to_label(shrunken, smoothing=0))


def test_blurred_noisy_maps_give_nearly_all_instances():
    label = crowd(1, rows=16)
    ideal = hover_map(label).numpy()
    noise = gaussian_filter(np.random.default_rng(0).normal(size=ideal.shape), (0, 1, 1))
    noisy = gaussian_filter(ideal, (0, 1, 1)) + 0.05 * noise / noise.std()
    found = hover_to_label(torch.from_numpy(noisy).float())
    iou, area = best_ious(label, found)
    assert (iou[area >= 30] > 0.5).mean() > 0.97
    assert 0.95 < int(found.max()) / len(area) < 1.05


def test_a_blank_tile_gives_an_empty_label():
    blank = torch.zeros(3, 20, 30)
    noise = torch.rand(3, 20, 30, generator=generator(0)) * torch.tensor([1, 1, 0.49])[:, None, None]
    for each in (blank, noise):
        found = hover_to_label(each)
        assert found.shape == (1, 20, 30) and found.dtype == torch.int32 and not found.any()
    assert hover_to_label(torch.zeros(3, 0, 5)).shape == (1, 0, 5)


def test_foreground_without_offsets_is_one_object():
    flat = torch.zeros(3, 8, 9)
    flat[2, 2:6] = 1
    assert torch.equal(hover_to_label(flat)[0], (flat[2] > 0).int())


def objects_of(label: torch.Tensor, corner: tuple[int, int], width: int) -> dict[frozenset[int], tuple[int, int]]:
    """Each object of a tile's label: its places in the whole image -> row and column of its centre there."""
    found = {}
    for number in range(1, int(label.max()) + 1):
        row, column = (axis + first for axis, first in zip(np.nonzero(label[0].numpy() == number), corner, strict=True))
        places = frozenset((row * width + column).tolist())
        found[places] = int(np.floor(row.mean() + 0.5)), int(np.floor(column.mean() + 0.5))
    return found


@pytest.mark.parametrize("noise", [0.05, 0.3])
def test_tiles_with_a_halo_give_the_objects_of_the_whole(noise):
    ideal = hover_map(crowd(2, rows=14))
    noisy = ideal + noise * torch.randn(ideal.shape, generator=generator(3)) * ideal[2]
    height, width = noisy.shape[1:]
    whole = objects_of(hover_to_label(noisy), (0, 0), width)
    halo = 1 + max(int(np.ptp([place // width for place in each])) for each in whole)
    halo = max(halo, 1 + max(int(np.ptp([place % width for place in each])) for each in whole))
    core, owned = 43, []  # an object belongs to the tile whose core holds its centre
    for top, left in itertools.product(range(0, height, core), range(0, width, core)):
        corner = max(top - halo, 0), max(left - halo, 0)
        tile = noisy[:, corner[0] : top + core + halo, corner[1] : left + core + halo]
        for each, (row, column) in objects_of(hover_to_label(tile), corner, width).items():
            if top <= row < top + core and left <= column < left + core:
                owned.append(each)
    assert len(owned) == len(whole) > 190 and set(owned) == set(whole)


def test_small_objects_are_dropped_and_the_threshold_is_exclusive():
    label = torch.zeros(1, 8, 12, dtype=torch.int32)
    label[0, 1:4, 1:4], label[0, 1:3, 6:11] = 1, 2  # 9 and 10 px
    ideal = hover_map(label)
    assert (hover_to_label(ideal) > 0).sum() == 10
    assert (hover_to_label(ideal, smallest=1) > 0).sum() == 19
    ideal[2] *= 0.5
    assert not hover_to_label(ideal).any()
    assert (hover_to_label(ideal, threshold=0.4) > 0).sum() == 10


def test_ids_follow_the_raster_order_of_the_centres_of_mass():
    label = np.array([[0, 9, 9, 0], [4, 9, 9, 2], [4, 0, 0, 0], [0, 0, 0, 7]])
    # centres: 9 at (0.5, 1.5) -> pixel row 1, 4 at (1.5, 0) -> row 2, 2 at row 1 in column 3, 7 at row 3
    assert raster_ids(label).tolist() == [[0, 1, 1, 0], [3, 1, 1, 2], [3, 0, 0, 0], [0, 0, 0, 4]]
    assert raster_ids(label, smallest=2).max() == 2
    higher_but_in_the_same_row = np.array([[0, 0, 0, 1, 0], [2, 0, 0, 1, 1]])
    assert raster_ids(higher_but_in_the_same_row).tolist() == [[0, 0, 0, 2, 0], [1, 0, 0, 2, 2]]


def test_bad_maps_are_refused():
    with pytest.raises(ValueError, match=r"\(3, H, W\)"):
        hover_to_label(torch.zeros(2, 5, 5))
    with pytest.raises(ValueError, match="NaN"):
        hover_to_label(torch.full((3, 5, 5), float("nan")))


def test_array_and_dictionary_form():
    ideal = hover_map(crowd(4))
    expected = hover_to_label(ideal, smallest=20)
    found = HoverToLabel(smallest=20)(ideal.numpy())
    assert isinstance(found, np.ndarray) and found.dtype == np.int32 and np.array_equal(found, expected)
    tracked = HoverToLabeld("pred", "label", smallest=20)({"pred": MetaTensor(ideal, meta={"name": "a"})})
    assert tracked["label"].meta["name"] == "a" and tracked["label"].dtype == torch.int32
    assert torch.equal(tracked["label"].as_tensor(), expected)


@pytest.mark.slow
@pytest.mark.skipif("MONUSEG_DIR" not in os.environ, reason="MONUSEG_DIR names no MoNuSeg folder")
@pytest.mark.parametrize("mpp", [0.25, 0.5])
@pytest.mark.parametrize("law_class", [UniformAreaLaw, TightAreaLaw])
def test_masks_on_all_training_points_of_monuseg_come_back(mpp, law_class):
    folder = Path(os.environ["MONUSEG_DIR"])
    names = json.loads((folder / "split.json").read_text())["training"]
    size = resampled_size((1000, 1000), 0.25, mpp)
    points = [np.loadtxt(folder / "points" / f"{name}.csv", delimiter=",", skiprows=1, ndmin=2) for name in names]
    merged = [merge_duplicates(torch.from_numpy(each))[0] for each in points]
    scaled = [resample_points(each, (1000, 1000), size) for each in merged]
    sampler = EllipseSampler(law_class(6 / mpp).fit(scaled))
    assert len(scaled) == 23
    for index, each in enumerate(scaled):
        label = draw_label(sampler(each, generator(0, index)), size)
        assert_recovered(label, hover_to_label(hover_map(label)))
