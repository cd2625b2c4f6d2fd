# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The ellipse sampler: geometry, ranges, and where its randomness comes from."""

from __future__ import annotations

import math

import pytest
import torch

from transforms.random_streams import generator
from transforms.shapes.blobs import BlobSampler
from transforms.shapes.ellipses import BetaAreaLaw, EllipseSampler, TightAreaLaw, UniformAreaLaw

POINTS = torch.rand(2000, 2, generator=generator(0)) * 1500
SAMPLER = EllipseSampler(UniformAreaLaw(12.0).fit([POINTS]))


def test_centres_areas_eccentricities_and_angles():
    ellipses = SAMPLER(POINTS, generator(1))
    assert ellipses.shape == (2000, 5) and ellipses.dtype == torch.float32
    assert torch.equal(ellipses[:, :2], POINTS)
    _, _, major, minor, angle = ellipses.double().unbind(1)
    eccentricity = torch.sqrt(1 - (minor / major) ** 2)
    assert eccentricity.min() > 0.3 - 1e-5 and eccentricity.max() < 0.85 + 1e-5
    assert eccentricity.mean().item() == pytest.approx(0.575, abs=0.01)
    assert angle.min() >= 0 and angle.max() <= math.pi and angle.mean().item() == pytest.approx(math.pi / 2, abs=0.06)
    areas = SAMPLER.law.draw(POINTS, generator(1))  # the areas are drawn first
    torch.testing.assert_close(math.pi * major * minor, areas, rtol=1e-5, atol=0)


@pytest.mark.parametrize("law", [UniformAreaLaw(12.0, k=0.7), TightAreaLaw(12.0, k=0.7), BetaAreaLaw(12.0)])
def test_only_the_generator_decides(law):
    sampler = EllipseSampler(law)
    first = sampler(POINTS[:50], generator(5))
    state = torch.get_rng_state()
    assert torch.equal(sampler(POINTS[:50], generator(5)), first)
    assert not torch.equal(sampler(POINTS[:50], generator(6)), first)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("law", [UniformAreaLaw(12.0, k=0.7), TightAreaLaw(12.0, k=0.7), BetaAreaLaw(12.0)])
@pytest.mark.parametrize("shapes", [EllipseSampler, BlobSampler])
def test_what_is_prepared_once_draws_as_often_as_asked(law, shapes):
    sampler, points = shapes(law), POINTS[:50]
    draw = sampler.prepare(points)
    for seed in (5, 6):
        assert torch.equal(draw(generator(seed)), sampler(points, generator(seed)))
        assert torch.equal(law.prepare(points)(generator(seed)), law.draw(points, generator(seed)))


def test_no_points_give_no_ellipses():
    assert SAMPLER(torch.zeros(0, 2), generator(0)).shape == (0, 5)


@pytest.mark.parametrize("eccentricity", [(0.5, 0.3), (-0.1, 0.5), (0.3, 1.0)])
def test_eccentricities_out_of_order_or_range_are_refused(eccentricity):
    with pytest.raises(ValueError, match="eccentricity"):
        EllipseSampler(UniformAreaLaw(12.0, k=1), eccentricity)
