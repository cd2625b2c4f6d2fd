# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The Beta area law against its formulas."""

from __future__ import annotations

import math

import pytest
import torch

from transforms.random_streams import generator
from transforms.shapes.beta_area_law import BetaAreaLaw


def test_density_by_hand():
    alone = 1 / (2 * math.pi * 400)
    assert BetaAreaLaw(24.0).density(torch.zeros(1, 2)).item() == pytest.approx(alone)
    pair = BetaAreaLaw(24.0).density(torch.tensor([[0.0, 0.0], [20.0, 0.0]]))
    assert pair.tolist() == pytest.approx([alone * (1 + math.exp(-0.5))] * 2)


def test_many_points_are_summed_in_parts_to_the_same_density():
    points = torch.rand(1500, 2, generator=generator(0)) * 500
    squared = (points[1400].double() - points.double()).square().sum(1)
    expected = (-squared / 800).exp().sum() / (800 * math.pi)
    assert BetaAreaLaw(24.0).density(points)[1400].item() == pytest.approx(expected.item())


def test_mean_variance_and_bounds_of_the_areas_follow_the_density():
    r = 1 / (2 * math.pi * 400)
    mean, variance = 1000 * math.exp(-1000 * r) + 100, 1.7e6 * math.exp(-2800 * r) + 100
    far = torch.arange(4000)[:, None] * torch.tensor([1000.0, 0.0])  # nobody has a neighbour
    areas = BetaAreaLaw(24.0).draw(far, generator(1))
    assert areas.mean().item() == pytest.approx(mean, rel=0.05)
    assert areas.var().item() == pytest.approx(variance, rel=0.1)
    assert 0 <= areas.min() and areas.max() <= 8000 * math.exp(-1300 * r) + 200


def test_lengths_scale_with_the_diameter():
    points = torch.rand(50, 2, generator=generator(2)) * 200
    areas = BetaAreaLaw(24.0).draw(points, generator(3))
    halved = BetaAreaLaw(12.0).draw(points / 2, generator(3))
    torch.testing.assert_close(halved, areas / 4, rtol=1e-5, atol=0)


def test_nothing_to_fit_no_points_and_a_bad_diameter():
    law = BetaAreaLaw(24.0)
    assert law.fit([]) is law
    assert len(law.draw(torch.zeros(0, 2))) == 0
    with pytest.raises(ValueError, match="diameter"):
        BetaAreaLaw(-3.0)
