# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The density of objects: moments by hand, and a random field whose variance and correlation are as stated."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.random_streams import generator
from transforms.shapes.density import ADJACENT, estimate_contrast, estimate_density, levelled, smooth_noise


def test_density_and_spread_by_hand():
    mean, spread = estimate_density([100, 300], [(100, 100), (100, 100)])
    assert mean == pytest.approx(0.02)
    explained = 0.02 / 100**2  # Poisson counts
    assert spread == pytest.approx(math.sqrt(math.log(1 + (0.01**2 * 2 - explained) / 0.02**2)))


def test_the_mean_density_is_that_of_all_area():
    assert estimate_density([30, 10], [(100, 100), (10, 100)])[0] == pytest.approx(40 / 11_000)


@pytest.mark.parametrize("counts", [[50], [50, 50, 50], [50, 55, 45, 52]])
def test_what_chance_explains_is_no_spread(counts):
    assert estimate_density(counts, [(100, 100)] * len(counts))[1] == 0


def test_no_points_have_no_density():
    for counts in ([], [0, 0]):
        with pytest.raises(ValueError, match="without points"):
            estimate_density(counts, [(100, 100)] * len(counts))


def test_the_field_has_unit_variance_and_the_stated_correlation():
    field = smooth_noise((3000, 4000), 20.0, generator(0))  # boxes of 5 px
    assert field.shape == (600, 800)
    assert field.mean() == pytest.approx(0, abs=0.05) and field.var() == pytest.approx(1, abs=0.05)
    for lag in (2, 4, 8):  # boxes, in the two directions
        expected = math.exp(-0.5 * (lag / 4) ** 2)
        assert (field[lag:] * field[:-lag]).mean() == pytest.approx(expected, abs=0.05)
        assert (field[:, lag:] * field[:, :-lag]).mean() == pytest.approx(expected, abs=0.05)
    assert (field[4:, 4:] * field[:-4, :-4]).mean() == pytest.approx(math.exp(-1), abs=0.05)


@pytest.mark.parametrize("size", [(1, 1), (3, 400), (64, 64)])
def test_the_field_has_unit_variance_in_small_images_too(size):
    corner = [smooth_noise(size, 50.0, generator(seed))[0, 0] for seed in range(400)]
    assert np.var(corner) == pytest.approx(1, abs=0.25)


def test_the_correlation_of_adjacent_squares():
    y, x = (np.indices((40, 40)).reshape(2, -1) + 0.5) / 80  # a square of half a correlation length
    squared = (x[:, None] - x - 0.5) ** 2 + (y[:, None] - y) ** 2
    assert np.exp(-squared / 2).mean() == pytest.approx(ADJACENT, rel=0.01)


def field_points(contrast: float, length: float, seed: int) -> torch.Tensor:
    """A log-Gaussian Cox process of about 0.01 points per px^2 in 1000 x 1000 px: Poisson numbers, pixel by pixel."""
    drawn = np.random.default_rng(seed)
    k = np.fft.fftfreq(1000) * 2 * np.pi
    power = np.exp(-((k[:, None] ** 2 + k**2) * length**2) / 2)
    field = np.fft.ifft2(np.fft.fft2(drawn.standard_normal((1000, 1000))) * np.sqrt(power)).real
    counts = drawn.poisson(0.01 * np.exp(contrast * field / field.std() - contrast**2 / 2))
    y, x = np.repeat(np.argwhere(counts), counts[counts > 0], 0).T
    return torch.from_numpy(np.stack([x, y], 1) + drawn.random((len(x), 2)) - 0.5)


@pytest.mark.parametrize("contrast", [0.0, 0.3, 0.6])
def test_contrast_is_found_again(contrast):
    """In points that were made otherwise: a field made in Fourier space, and Poisson counts in pixels."""
    points = [field_points(contrast, 60.0, seed) for seed in range(4)]
    assert estimate_contrast(points, [(1000, 1000)] * 4, 60.0) == pytest.approx(contrast, abs=0.08)


def test_images_too_small_for_two_squares_tell_nothing_of_contrast():
    assert estimate_contrast([torch.rand(50, 2) * 20], [(20, 20)], 41.0) == 0
    assert estimate_contrast([torch.zeros(0, 2)], [(200, 200)], 41.0) == 0


def test_levels_by_hand():
    assert levelled(np.array([1.0, 2.0, 5.0]), 2.0, 3.0) == pytest.approx(np.array([1, 2, 3]))
    assert levelled(np.array([1.0, 2.0, 6.0]), 3.0, 9.0) == pytest.approx(np.array([1, 2, 6]))
    assert levelled(np.array([1.0, 2.0, 6.0]), 3.5, 3.0) == pytest.approx(np.array([3, 3, 3]))


@settings(max_examples=50)
@given(st.integers(0, 10**6), st.floats(0, 3), st.floats(1e-4, 0.949))
def test_levels_keep_the_mean_the_bound_and_the_order(seed, contrast, mean):
    variation = np.exp(contrast * np.random.default_rng(seed).standard_normal((5, 7)))
    level = levelled(variation, mean, 0.95)
    assert level.mean() == pytest.approx(mean, rel=1e-6) and level.max() <= 0.95 and level.min() > 0
    assert (np.diff(level.ravel()[variation.ravel().argsort()]) >= 0).all()
