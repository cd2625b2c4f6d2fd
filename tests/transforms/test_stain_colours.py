# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Stain colours and the grey counterpart: what changes, what stays, and how much."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from transforms.augment import stain_vectors
from transforms.random_streams import generator
from transforms.stain_colours import RandGrey, StainColourJitter


def generators(count: int) -> list[torch.Generator]:
    return [generator(3, index) for index in range(count)]


@pytest.fixture
def batch() -> dict[str, Tensor]:
    return {"image": 0.3 + 0.6 * torch.rand(6, 3, 8, 10, generator=generator(7))}


def test_no_strength_changes_nothing(batch: dict[str, Tensor]) -> None:
    same = StainColourJitter(colour=0, strength=0, offset=0)(batch, generators(6))
    torch.testing.assert_close(same["image"], batch["image"], atol=1e-5, rtol=1e-4)


def test_a_pure_stain_keeps_its_amount_and_takes_another_colour() -> None:
    stains, _ = stain_vectors(torch.device("cpu"))
    image = torch.exp(-0.5 * stains[0]).view(1, 3, 1, 1).expand(50, 3, 2, 2)
    shown = StainColourJitter(colour=0.1, strength=0, offset=0)({"image": image}, generators(50))["image"]
    density = -torch.log(shown[:, :, 0, 0])  # (50, 3)
    assert density.norm(dim=1) == pytest.approx(0.5, abs=1e-4)
    spread = (density / 0.5 - stains[0]).std(dim=0)
    assert 0.03 < spread.min() and spread.max() < 0.15


def test_amounts_vary_within_the_strength() -> None:
    stains, _ = stain_vectors(torch.device("cpu"))
    image = torch.exp(-0.3 * stains[1]).view(1, 3, 1, 1).expand(80, 3, 2, 2)
    shown = StainColourJitter(colour=0, strength=0.5, offset=0)({"image": image}, generators(80))["image"]
    factors = torch.log(shown[:, :, 0, 0]).norm(dim=1) / 0.3
    assert 1 / 1.5 - 1e-3 <= factors.min() < 0.75 and 1.35 < factors.max() <= 1.5 + 1e-3
    assert factors.log().mean().abs() < 0.1  # as often less as more


def test_grey_has_the_luma_of_the_image_in_all_channels(batch: dict[str, Tensor]) -> None:
    grey = RandGrey(probability=1)(batch, generators(6))["image"]
    luma = (batch["image"] * torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)).sum(dim=1)
    assert all(torch.allclose(channel, luma, atol=1e-6) for channel in grey.unbind(1))


def test_grey_takes_its_part_of_the_samples(batch: dict[str, Tensor]) -> None:
    image = batch["image"][:1].expand(400, -1, -1, -1)
    changed = (RandGrey(probability=0.25)({"image": image}, generators(400))["image"] != image).any(dim=(1, 2, 3))
    assert 0.18 < changed.float().mean() < 0.32


@pytest.mark.parametrize("augment", [StainColourJitter(), RandGrey()])
def test_images_of_one_channel_are_refused(augment: StainColourJitter | RandGrey) -> None:
    with pytest.raises(ValueError, match="needs RGB images"):
        augment({"image": torch.rand(2, 1, 8, 8)}, generators(2))


@pytest.mark.parametrize("augment", [StainColourJitter(), RandGrey(1)])
def test_a_sample_depends_on_its_own_generator_alone(
    augment: StainColourJitter | RandGrey, batch: dict[str, Tensor]
) -> None:
    whole = augment(batch, generators(6))["image"]
    alone = augment({"image": batch["image"][4:5]}, [generator(3, 4)])["image"]
    torch.testing.assert_close(whole[4:5], alone)
    assert 0 <= whole.min() and whole.max() <= 1
