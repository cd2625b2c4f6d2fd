# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""What each check measures, worked by hand, where its bound lies, and what it is silent about."""

from __future__ import annotations

import math

import pytest
import torch

from bundle.engines.failures import DiscriminatorWins, ModeCollapse
from bundle.engines.panel import PanelState


def test_diversity_by_hand():
    """Two images 0.2 apart: a standard deviation of 0.2 / sqrt(2), twice that on the [-1, 1] scale."""
    painted = torch.stack([torch.full((3, 4, 4), 0.4), torch.full((3, 4, 4), 0.6)])
    alike = torch.full((2, 3, 4, 4), 0.5)
    look = PanelState(7, {}, {}, torch.stack([painted, alike]))
    expected = 0.4 / math.sqrt(2) / 2  # mean over both masks
    assert ModeCollapse().measure(look, {}) == pytest.approx({"diversity": expected})


@pytest.mark.parametrize(("diversity", "found"), [(0.0, True), (0.0099, True), (0.0101, False), (math.nan, False)])
def test_collapse_has_a_bound(diversity, found):
    assert ("noise" in ModeCollapse().judge({"diversity": diversity}, 1.0)) == found


def test_without_noise_there_is_no_diversity():
    numbers = ModeCollapse().measure(PanelState(7, {}, {}, None), {})
    assert math.isnan(numbers["diversity"])


@pytest.mark.parametrize(
    ("won", "lost", "found"),
    [(0.0, 0.5, True), (0.019, 0.41, True), (0.021, 0.5, False), (0.0, 0.39, False), (math.nan, 0.5, False)],
)
def test_a_discriminator_wins_when_both_losses_say_so(won, lost, found):
    check = DiscriminatorWins("discriminator_image", "adversarial_image")
    numbers = check.measure(None, {"discriminator_image": won, "adversarial_image": lost, "other": 1.0})
    assert list(numbers) == ["discriminator_image", "adversarial_image"]
    assert bool(check.judge(numbers, 1.0)) == found
    assert check.name == "discriminator_image wins outright"


def test_a_loss_that_the_configuration_leaves_out_is_not_judged():
    check = DiscriminatorWins("discriminator_mask", "adversarial_mask")
    numbers = check.measure(None, {"discriminator_mask": 0.0})
    assert math.isnan(numbers["adversarial_mask"]) and check.judge(numbers, 1.0) == ""


def test_bounds_are_arguments():
    assert ModeCollapse(lowest=0.1).judge({"diversity": 0.09}, 1.0)
    assert DiscriminatorWins("d", "g", lowest=0.1, highest=0.2).judge({"d": 0.09, "g": 0.21}, 1.0)
