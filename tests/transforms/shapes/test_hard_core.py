# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Synthetic points: spacing, density and contrast are what was asked for, or an error says what is possible."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.pixel_centres import inside
from transforms.random_streams import generator
from transforms.shapes.area_laws import nearest_distances
from transforms.shapes.hard_core import HardCorePoints, estimate_spacing
from transforms.shapes.sequential_addition import largest_density

LARGEST = largest_density(10.0)  # 0.006965 per px^2
EVEN = HardCorePoints(100.0, spacing=10.0, density=0.1 * LARGEST, spread=0.0, contrast=0.0)


def squares(points: torch.Tensor, size: tuple[int, int], side: int) -> np.ndarray:
    """Counts in squares of an image."""
    rows, columns = size[0] // side, size[1] // side
    x, y = points.double().numpy().T + 0.5
    return np.histogram2d(y, x, (rows, columns), ((0, rows * side), (0, columns * side)))[0]


def variance_to_mean(process: HardCorePoints, density: float | None = None, images: int = 6) -> float:
    counts = [squares(process.draw((800, 1000), generator(seed), density), (800, 1000), 100) for seed in range(images)]
    return float(np.mean([each.var(ddof=1) / each.mean() for each in counts]))


# One image


@settings(max_examples=60)
@given(
    seed=st.integers(0, 10**6),
    height=st.integers(1, 150),
    width=st.integers(1, 150),
    spacing=st.floats(3, 30),
    share=st.floats(1e-3, 1),
    contrast=st.floats(0, 1.5),
)
def test_points_lie_inside_and_keep_their_spacing(seed, height, width, spacing, share, contrast):
    process = HardCorePoints(40.0, spacing, share * largest_density(spacing), 0.0, contrast)
    points = process.draw((height, width), generator(seed))
    assert points.dtype == torch.float32 and points.shape == (len(points), 2)
    assert inside(points, (height, width)).all()
    assert len(points) < 2 or nearest_distances(points).min() >= spacing


@pytest.mark.parametrize("contrast", [0.0, 0.6])
@pytest.mark.parametrize("share", [0.02, 0.2, 0.6])
def test_the_density_is_the_one_asked_for(share, contrast):
    process = replace(EVEN, contrast=contrast)
    counts = [len(process.draw((300, 400), generator(seed), share * LARGEST)) for seed in range(30)]
    expected = share * LARGEST * 300 * 400
    assert np.mean(counts) == pytest.approx(expected, abs=4 * math.sqrt(expected / 30))
    assert 0.3 < np.var(counts, ddof=1) / expected < 2.2  # Poisson


@pytest.mark.parametrize("contrast", [0.0, 1.0])
def test_the_largest_density_is_reached_whatever_the_contrast(contrast):
    process = replace(EVEN, contrast=contrast)
    counts = [len(process.draw((400, 400), generator(seed), LARGEST)) for seed in range(3)]
    assert np.mean(counts) == pytest.approx(LARGEST * 400 * 400, rel=0.05)


def test_even_points_are_spread_more_evenly_than_by_chance():
    assert 0.4 < variance_to_mean(EVEN) < 0.95  # the spacing makes counts vary less than Poisson ones
    pooled = sum(squares(EVEN.draw((600, 600), generator(seed)), (600, 600), 100) for seed in range(40))
    assert pooled.var(ddof=1) / pooled.mean() < 1.3  # no place is preferred, the edges neither


def test_contrast_gathers_points():
    weak, strong = (variance_to_mean(replace(EVEN, contrast=contrast)) for contrast in (0.3, 0.8))
    assert variance_to_mean(EVEN) + 0.2 < weak < strong - 0.5


@pytest.mark.parametrize("share", [0.05, 0.3])
@pytest.mark.parametrize("contrast", [0.2, 0.5])
def test_contrast_is_that_of_the_density_however_crowded(share, contrast):
    process = replace(EVEN, contrast=contrast)
    points = [process.draw((1500, 1500), generator(seed), share * LARGEST) for seed in range(4)]
    again = HardCorePoints(100.0).fit(points, [(1500, 1500)] * 4)
    assert again.contrast == pytest.approx(contrast, abs=0.1)


def test_contrast_flattens_as_an_image_fills():
    process = replace(EVEN, contrast=0.8)
    assert variance_to_mean(process, LARGEST, 2) < 0.3 < variance_to_mean(process, 0.3 * LARGEST, 2)


def test_images_differ_in_density_as_much_as_asked_for():
    process = replace(EVEN, spread=0.4)
    counts = np.array([len(process.draw((300, 400), generator(seed))) for seed in range(200)])
    expected = process.density * 300 * 400
    assert counts.mean() == pytest.approx(expected, rel=0.1)
    assert np.log(counts).std(ddof=1) == pytest.approx(math.sqrt(0.4**2 + 1 / expected), rel=0.15)
    given_one = [len(process.draw((300, 400), generator(seed), process.density)) for seed in range(50)]
    assert np.std(given_one) < 1.4 * math.sqrt(expected)


def test_an_image_denser_than_possible_by_chance_is_as_dense_as_possible():
    process = replace(EVEN, density=0.9 * LARGEST, spread=1.0)
    counts = [len(process.draw((200, 200), generator(seed))) for seed in range(12)]
    assert max(counts) < 1.1 * LARGEST * 200 * 200


def test_only_the_generator_decides():
    process = replace(EVEN, spread=0.3, contrast=0.4)
    first = process.draw((200, 300), generator(5))
    state, numpy_state = torch.get_rng_state(), np.random.get_state()[1].copy()
    assert torch.equal(process.draw((200, 300), generator(5)), first)
    assert not torch.equal(process.draw((200, 300), generator(6)), first)
    assert torch.equal(torch.get_rng_state(), state) and np.array_equal(np.random.get_state()[1], numpy_state)


def test_a_whole_slide_is_no_more_than_a_large_image():
    points = EVEN.draw((6000, 7000), generator(0))
    assert len(points) == pytest.approx(EVEN.density * 6000 * 7000, rel=0.03)
    assert nearest_distances(points).min() >= 10


# What is estimated


def test_a_fitted_process_is_the_one_that_the_points_came_from():
    sizes = [(500, 600), (700, 400)] * 20
    source = HardCorePoints(60.0, spacing=8.0, density=0.003, spread=0.3, contrast=0.4)
    fitted = HardCorePoints(60.0).fit([source.draw(size, generator(i)) for i, size in enumerate(sizes)], sizes)
    assert 8.0 <= fitted.spacing < 8.5  # the 5th percentile
    assert fitted.density == pytest.approx(0.003, rel=0.12)
    assert fitted.spread == pytest.approx(0.3, abs=0.1) and fitted.contrast == pytest.approx(0.4, abs=0.1)


def test_what_is_given_is_not_estimated():
    points = [torch.rand(50, 2, generator=generator(0)) * 100]
    given_all = HardCorePoints(50.0, 1.5, 0.02, 0.1, 0.7)
    assert given_all.fit(points, [(100, 100)]) == given_all
    fitted = HardCorePoints(50.0, contrast=0.7).fit(points, [(100, 100)])
    assert fitted.contrast == 0.7 and fitted.density == pytest.approx(0.005) and fitted.spread == 0


def test_the_spacing_is_the_fifth_percentile_of_the_distances_within_images():
    lines = [torch.tensor([[float(x), 0.0] for x in np.cumsum(range(1, 102))]), torch.tensor([[1.0, 0.5]])]
    distances = [2, *range(2, 102)]  # between neighbours on a line that drift apart; a point alone has none
    assert estimate_spacing(lines) == pytest.approx(np.percentile(distances, 5))


# What is refused


@pytest.mark.parametrize("share", [1.001, 3.0])
def test_a_density_that_random_placing_cannot_reach_is_refused_with_the_largest(share):
    message = re.escape("reaches at most 0.006965 per px^2")
    with pytest.raises(ValueError, match=message):
        HardCorePoints(100.0, 10.0, share * LARGEST)
    with pytest.raises(ValueError, match=message):
        EVEN.draw((100, 100), generator(0), share * LARGEST)
    crowd = [torch.rand(math.ceil(share * LARGEST * 300 * 300), 2, generator=generator(0)) * 300]
    with pytest.raises(ValueError, match=message):
        HardCorePoints(100.0, spacing=10.0).fit(crowd, [(300, 300)])
    EVEN.check_density(LARGEST)
    EVEN.check_density(0.006965)  # as the message has it


@pytest.mark.parametrize("name", ["correlation_length", "spacing", "density", "spread", "contrast"])
@pytest.mark.parametrize("value", [-1.0, math.nan, math.inf])
def test_numbers_out_of_range_are_refused_by_name(name, value):
    with pytest.raises(ValueError, match=f"{name} must be a number"):
        replace(EVEN, **{name: value})


@pytest.mark.parametrize("density", [0.0, -1.0, math.nan])
def test_a_density_that_is_none_is_refused(density):
    with pytest.raises(ValueError, match="is not possible"):
        EVEN.draw((100, 100), generator(0), density)


def test_a_correlation_length_in_the_wrong_unit_is_refused():
    with pytest.raises(ValueError, match="less than the spacing"):
        HardCorePoints(5.0, 10.0)


@pytest.mark.parametrize("size", [(0, 10), (10, 0), (-3, 5)])
def test_an_image_without_pixels_is_refused(size):
    with pytest.raises(ValueError, match="positive size"):
        EVEN.draw(size, generator(0))


def test_nothing_is_drawn_before_the_fit():
    with pytest.raises(ValueError, match=r"no density yet: call fit"):
        HardCorePoints(100.0, spacing=10.0).draw((100, 100), generator(0))
    with pytest.raises(ValueError, match=r"no spacing yet: call fit"):
        HardCorePoints(100.0).draw((100, 100), generator(0), 0.001)


def test_points_that_cannot_be_imitated_are_refused():
    process, size = HardCorePoints(100.0), (100, 100)
    for points in ([], [torch.zeros(0, 2)]):
        with pytest.raises(ValueError, match="without points"):
            process.fit(points, [size] * len(points))
    with pytest.raises(ValueError, match="no image has two"):
        process.fit([torch.ones(1, 2), torch.ones(1, 2)], [size, size])
    with pytest.raises(ValueError, match=r"3 of 4 have the place of another"):
        process.fit([torch.tensor([[1.0, 1], [1, 1], [1, 1], [9, 9]])], [size])
    with pytest.raises(ValueError, match="points of 1 images and sizes of 2"):
        process.fit([torch.rand(9, 2) * 90], [size, size])
