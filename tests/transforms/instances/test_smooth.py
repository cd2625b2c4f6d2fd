# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Gaussian means over the foreground: beside scipy's, and strips that do not show."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from transforms.instances.smooth import ROWS, smooth


def test_smoothing_does_not_see_the_background():
    inside = np.zeros((9, 9), bool)
    inside[3:6, 3:6] = True
    offsets = np.where(inside, 0.7, -5.0)[None].repeat(2, 0)
    np.testing.assert_allclose(smooth(offsets, inside, 1.0)[:, inside], 0.7, rtol=1e-5)
    assert smooth(offsets, inside, 0) is offsets


@pytest.mark.parametrize("smoothing", [0.5, 1.0, 2.3])
@pytest.mark.parametrize("size", [(1, 1), (3, 40), (40, 2), (ROWS, 9), (2 * ROWS + 1, 30)])
def test_the_mean_is_the_quotient_of_two_gaussian_filters(size, smoothing):
    rng = np.random.default_rng(0)
    inside, offsets = rng.random(size) < 0.6, rng.normal(size=(2, *size)).astype(np.float32)
    inside.flat[0] = True
    weight = gaussian_filter(inside.astype(float), smoothing, mode="constant")
    expected = [
        gaussian_filter(np.where(inside, each, 0).astype(float), smoothing, mode="constant") for each in offsets
    ]
    found = smooth(offsets, inside, smoothing)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found[:, inside], (np.stack(expected) / weight)[:, inside], atol=1e-5)


def test_where_nothing_is_inside_all_is_zero():
    assert not smooth(np.ones((2, 5, 6), np.float32), np.zeros((5, 6), bool), 1.0).any()
