# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Points that contradict the typical diameter: told by name, once; crowds and sparse objects are none."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from bundle.data import point_spacing
from bundle.data.point_spacing import contradiction, warn_of_spacing
from bundle.simulation.dataset import simulate_tissue
from transforms.random_streams import generator

MPP = 0.5
SIZE = (80, 100)


@pytest.fixture(autouse=True)
def nothing_said() -> Iterator[None]:
    """Each test hears its warnings for the first time."""
    point_spacing._warn_once.cache_clear()
    yield


def pairs(count: int, distance: float) -> Tensor:
    """`count` points, each with one neighbour at `distance` px and all others far away."""
    x = 1000.0 * torch.arange(count // 2)
    return torch.stack([torch.cat([x, x + distance]), torch.zeros(count)], 1)


def test_bounds_by_hand() -> None:
    near = contradiction(pairs(20, 6.9), SIZE, 10, MPP)
    assert near == "half of its 20 points have another within 3.45 um, 0.69 of a typical diameter of 5 um"
    far = contradiction(pairs(20, 13.1), SIZE, 10, MPP)
    assert far == "nine tenths of its 20 points have no other within 6.55 um, 1.31 of a typical diameter of 5 um"
    for distance in (7.1, 10, 12.9):
        assert contradiction(pairs(20, distance), SIZE, 10, MPP) == ""


def test_objects_clicked_twice_are_told_though_half_of_the_points_are_well_apart() -> None:
    points = torch.cat([pairs(80, 10), pairs(10, 1) + torch.tensor([0, 5000.0])])
    told = "a tenth of its 90 points have another within 0.5 um, 0.10 of a typical diameter of 5 um"
    assert contradiction(points, SIZE, 10, MPP) == told
    assert contradiction(torch.cat([pairs(80, 10), pairs(6, 1) + torch.tensor([0, 5000.0])]), SIZE, 10, MPP) == ""


@pytest.mark.parametrize("factor", [0.01, 100])
def test_a_few_points_say_nothing(factor: float) -> None:
    for count in (0, 1, 18):
        assert contradiction(pairs(count + count % 2, 10)[:count] * factor, SIZE, 10, MPP) == ""


@pytest.mark.parametrize("count", [20, 60, 300])
def test_sparse_objects_are_no_contradiction(count: int) -> None:
    """Objects at random on 1 % of the area: the closest tenth of them are 1.6 diameters from another, by chance."""
    side = round((count * 100 * math.pi / 4 / 0.01) ** 0.5)
    draws = [torch.rand(count, 2, generator=generator(seed)) * side for seed in range(40)]
    told = [contradiction(points, (side, side), 10, MPP) for points in draws]
    assert sum(bool(text) for text in told) <= 6
    grid = torch.cartesian_prod(torch.arange(8.0), torch.arange(8.0)) * 40 + 0.1 * draws[0][:1]
    assert contradiction(grid, (320, 320), 10, MPP)  # as sparse, but they keep a distance


@pytest.mark.parametrize("factor", [0.25, 0.5, 1, 2, 4])
def test_simulated_tissue_is_told_when_its_spacing_is_wrong(factor: float) -> None:
    points = torch.from_numpy(simulate_tissue((300, 300), seed=1, mpp=MPP).points)
    size = (round(300 * factor), round(300 * factor))
    assert bool(contradiction(points * factor, size, 6 / MPP, MPP)) == (factor != 1)


def test_one_warning_names_the_images_with_their_numbers_and_likely_causes(caplog: pytest.LogCaptureFixture) -> None:
    names, points = ["good", "close", "own", "far"], [pairs(20, distance) for distance in (10, 5, 5, 30)]
    for _ in range(2):
        warn_of_spacing(names, points, [SIZE] * 4, [10, 10, 5, 10], MPP)
    [record] = caplog.records
    first, close, far, causes = record.getMessage().split("\n")
    assert record.levelname == "WARNING" and first.startswith("in 2 of 4 images")
    assert close.startswith("  close: half of its 20 points have another within 2.5 um, 0.50 of")
    assert far.startswith("  far: nine tenths of its 20 points have no other within 15 um, 3.00 of")
    for cause in ("um per px", "magnification", "clicked twice", "other objects", "diameters.csv"):
        assert cause in causes
    caplog.clear()
    warn_of_spacing(names[:1], points[:1], [SIZE], [10], MPP)
    assert not caplog.records


def test_a_long_list_is_cut(caplog: pytest.LogCaptureFixture) -> None:
    warn_of_spacing([f"image_{i}" for i in range(25)], [pairs(20, 1)] * 25, [SIZE] * 25, [10.0] * 25, MPP)
    message = caplog.records[0].getMessage()
    assert "in 25 of 25 images" in message and "image_19:" in message and "image_20" not in message
    assert "\n  ... and 5 more\n" in message
