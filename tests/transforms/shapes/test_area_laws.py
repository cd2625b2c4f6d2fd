# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Area laws: known answers, the solved k, and what is refused."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.shapes.area_laws import TightAreaLaw, UniformAreaLaw, fit_in_diameters, nearest_distances
from transforms.shapes.beta_area_law import BetaAreaLaw

CROWD = torch.rand(300, 2, generator=torch.Generator().manual_seed(0)) * 400


def test_nearest_distances_of_a_right_triangle():
    points = torch.tensor([[0.0, 0.0], [3.0, 0.0], [3.0, 4.0]])
    assert nearest_distances(points).tolist() == [3, 3, 4]


def test_nearest_distances_of_one_point_none_and_a_double_click():
    assert nearest_distances(torch.zeros(1, 2)).tolist() == [math.inf]
    assert nearest_distances(torch.zeros(0, 2)).tolist() == []
    assert nearest_distances(torch.ones(2, 2)).tolist() == [0, 0]


def test_upper_areas_by_hand():
    law = UniformAreaLaw(diameter=2.0, k=0.5)  # A_D = pi: a = pi / 7, A_max = 2.8 pi
    expected = [math.pi / 7, math.pi * 0.25 * 2, 2.8 * math.pi, 2.8 * math.pi]
    assert law.upper_areas(torch.tensor([0, math.sqrt(2), 100, math.inf])).tolist() == pytest.approx(expected)


def test_tight_areas_lie_in_the_upper_half():
    law = TightAreaLaw(diameter=2.0, k=0.5)
    upper = law.upper_areas(torch.tensor([math.inf]))
    assert upper.item() == pytest.approx(1.5 * math.pi)
    assert law.lower_areas(upper).item() == pytest.approx((math.pi / 7 + 1.5 * math.pi) / 2)


@pytest.mark.parametrize("law_class", [UniformAreaLaw, TightAreaLaw])
@settings(max_examples=20, deadline=None)
@given(diameter=st.floats(0.5, 25))
def test_the_expected_area_over_all_points_is_that_of_the_diameter(law_class, diameter):
    law = law_class(diameter).fit([CROWD[:200], CROWD[200:]])
    distances = torch.cat([nearest_distances(CROWD[:200]), nearest_distances(CROWD[200:])])
    upper = law.upper_areas(distances)
    mean = (law.lower_areas(upper) + upper).mean() / 2
    assert mean.item() == pytest.approx(math.pi * diameter**2 / 4, rel=1e-9)


@pytest.mark.parametrize("law_class", [UniformAreaLaw, TightAreaLaw])
def test_drawn_areas_average_to_that_of_the_diameter_and_keep_their_bounds(law_class):
    law = law_class(12.0).fit([CROWD])
    areas = torch.stack([law.draw(CROWD, torch.Generator().manual_seed(seed)) for seed in range(200)])  # (200, N)
    upper = law.upper_areas(nearest_distances(CROWD))
    assert areas.mean().item() == pytest.approx(math.pi * 36, rel=0.01)
    assert (areas >= law.lower_areas(upper)).all() and (areas <= upper).all()


def test_distances_do_not_cross_images():
    pair = torch.tensor([[0.0, 0.0], [20.0, 0.0]])
    assert UniformAreaLaw(9.0).fit([pair, pair + 1]).k == pytest.approx(UniformAreaLaw(9.0).fit([pair]).k)


def test_k_by_hand_for_points_of_equal_distance():
    law = UniformAreaLaw(6.0).fit([torch.tensor([[0.0, 0.0], [10.0, 0.0]])])
    # (a + b) / 2 = A_D: b = (2 - 1 / 7) A_D = pi (10 k)^2
    assert law.k == pytest.approx(math.sqrt(13 / 7 * 9) / 10)


def test_a_diameter_far_beyond_the_points_names_the_possible_ones():
    pair = torch.tensor([[0.0, 0.0], [10.0, 0.0]])
    largest = 2 * 10 * 2 / math.sqrt(13 / 7)  # k = 2
    with pytest.raises(ValueError, match=f"up to {largest:.4g} px"):
        UniformAreaLaw(40.0).fit([pair])
    assert UniformAreaLaw(0.999 * largest).fit([pair]).k == pytest.approx(0.999 * 2)


@pytest.mark.parametrize("law_class", [UniformAreaLaw, TightAreaLaw])
def test_images_of_different_diameters_share_one_k(law_class):
    """Crowded small objects and sparse large ones; in units of its own D the mean area over all points is that of D."""
    crowds, diameters = [CROWD[:200] / 3, CROWD[200:]], [3.0, 14.0]
    law = fit_in_diameters(law_class(6.0), crowds, diameters)
    assert law.diameter == 6
    relative = []
    for points, diameter in zip(crowds, diameters, strict=True):
        own = replace(law, diameter=diameter)
        upper = own.upper_areas(nearest_distances(points))
        relative.append((own.lower_areas(upper) + upper) / 2 / own.typical_area)
    assert torch.cat(relative).mean().item() == pytest.approx(1, rel=1e-6)
    assert law != law_class(6.0).fit(crowds)


@pytest.mark.parametrize("law_class", [UniformAreaLaw, TightAreaLaw, BetaAreaLaw])
def test_twice_the_lengths_are_four_times_the_areas(law_class):
    law = fit_in_diameters(law_class(6.0), [CROWD, 2 * CROWD], [6.0, 12.0])
    areas = law.draw(CROWD, torch.Generator().manual_seed(0))
    larger = replace(law, diameter=12.0).draw(2 * CROWD, torch.Generator().manual_seed(0))
    torch.testing.assert_close(larger, 4 * areas, rtol=1e-5, atol=0)
    assert getattr(law, "k", None) == pytest.approx(getattr(law_class(6.0).fit([CROWD]), "k", None))


def test_one_diameter_for_all_changes_nothing():
    assert fit_in_diameters(TightAreaLaw(6.0), [CROWD, CROWD[:9]], [6, 6]) == TightAreaLaw(6.0).fit([CROWD, CROWD[:9]])


@pytest.mark.parametrize("law_class", [UniformAreaLaw, TightAreaLaw])
def test_points_that_are_alone_have_the_area_of_the_stated_diameter(law_class, caplog):
    law = law_class(6.0).fit([torch.zeros(1, 2), torch.ones(1, 2), torch.zeros(0, 2)])
    assert "2 of 2 points are alone in their image" in caplog.text
    areas = torch.cat([law.draw(torch.zeros(1, 2), torch.Generator().manual_seed(seed)) for seed in range(500)])
    assert areas.mean().item() == pytest.approx(math.pi * 9, rel=0.03)
    assert law.draw(CROWD).isfinite().all()  # images with more points may come later


def test_where_most_points_are_alone_the_others_are_fitted_by_themselves():
    pair = torch.tensor([[0.0, 0.0], [10.0, 0.0]])
    law = UniformAreaLaw(6.0).fit([*torch.zeros(9, 1, 2), pair])
    assert law.k == pytest.approx(UniformAreaLaw(6.0).fit([pair]).k)
    assert replace(law, diameter=12.0).upper_areas(torch.tensor([math.inf])).item() == pytest.approx(
        13 / 7 * math.pi * 36
    )


def test_points_that_all_coincide_have_no_k():
    with pytest.raises(ValueError, match="2 have the place of another"):
        UniformAreaLaw(6.0).fit([torch.zeros(2, 2)])


def test_no_points_bad_diameters_and_an_unfitted_law_are_refused():
    for points in ([], [torch.zeros(0, 2)]):
        with pytest.raises(ValueError, match="without points"):
            UniformAreaLaw(6.0).fit(points)
    for diameter in (0, -1, math.nan, math.inf):
        with pytest.raises(ValueError, match="diameter"):
            UniformAreaLaw(diameter)
    with pytest.raises(ValueError, match="fit"):
        UniformAreaLaw(6.0).draw(CROWD)
