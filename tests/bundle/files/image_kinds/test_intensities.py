# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""16-bit intensities: equal pictures give equal results, an empty one shows nothing, and what stands out is seen."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from bundle.files.image_kinds.intensities import (
    PERCENTILES,
    IntensityCounts,
    as_stored,
    intensity_window,
    is_spread,
    to_float,
    white_level,
)


def noise(low: int, high: int, channels: int = 1) -> np.ndarray:
    return np.random.default_rng(low).integers(low, high, (channels, 40, 50)).astype(np.uint16)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("factor", [257, 256])
@pytest.mark.parametrize(("low", "high"), [(0, 256), (3, 40), (200, 240)])
def test_a_picture_and_its_16_bit_twin_are_equal_to_the_last_bit(channels, factor, low, high):
    picture = noise(low, high, channels)
    twin, window = to_float(picture * factor)
    assert window == (0, 255 * factor)
    torch.testing.assert_close(twin, to_float(picture.astype(np.uint8))[0], rtol=0, atol=0)


@pytest.mark.parametrize("channels", [1, 3])
def test_empty_glass_stays_bright_and_even(channels):
    glass, window = to_float(noise(60_275, 61_595, channels))
    assert window == (0, 65535)
    assert glass.min() > 0.91 and glass.max() < 0.95


def test_an_empty_fluorescent_field_is_not_stretched_into_objects():
    field, _ = to_float(noise(95, 110))
    assert float(field.max() - field.min()) < 0.06


def test_dim_nuclei_on_the_dark_are_stretched():
    picture = noise(95, 110)
    picture[:, 10:20, 10:20] = 900
    image, (low, high) = to_float(picture)
    assert 95 <= low < 110 and 890 < high <= 900
    assert image[0, 15, 15] == 1 and image[0, 30:].mean() < 0.02


def test_colour_is_not_stretched_and_white_is_that_of_the_bits_in_use():
    assert intensity_window(noise(300, 3900, 3)) == (0, 4095)
    assert intensity_window(noise(300, 900, 3), bits=12) == (0, 4095)
    assert intensity_window(noise(9000, 50_000, 3)) == (0, 65535)
    assert [white_level(high) for high in (0, 255, 256, 4095, 16_384)] == [255, 255, 1023, 4095, 65535]


def test_several_pictures_are_scaled_alike_and_an_empty_one_among_them_stays_dark():
    bright, empty = noise(95, 110), noise(95, 109)
    bright[:, 10:20, 10:20] = 900
    counts = IntensityCounts()
    counts.add(bright)
    counts.add(empty)
    assert to_float(empty, counts.window())[0].max() < 0.02


@given(arrays.arrays(np.uint16, (1, 5, 7), elements=st.integers(0, 65535)))
def test_percentiles_of_counts_are_those_of_numpy(picture):
    counts = IntensityCounts()
    counts.add(picture)
    np.testing.assert_allclose(counts.percentiles, np.percentile(picture, PERCENTILES))


def test_of_one_value_alone_nobody_can_tell_that_it_was_spread():
    assert not is_spread(np.zeros((1, 4, 4), np.uint16)) and not is_spread(np.full((1, 4, 4), 257, np.uint16))
    assert is_spread(np.array([[[0, 257]]], np.uint16))


@pytest.mark.parametrize("window", [(0.0, 65535.0), (100.0, 4095.0)])
def test_intensities_as_stored_come_back(window):
    stored = np.linspace(*window, 50).round().astype(np.uint16).reshape(1, 5, 10)
    np.testing.assert_array_equal(as_stored(to_float(stored, window)[0], window), stored)
