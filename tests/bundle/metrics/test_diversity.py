# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Diversity: the deviation by hand, and which draw belongs to which noise and mask."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from bundle.inference.painting import SyntheticImageGenerator
from bundle.metrics.diversity import diversity, pixel_deviation
from bundle.networks.spade import SPADEGenerator


def test_the_mean_over_pixels_of_the_deviation_on_the_papers_scale() -> None:
    images = torch.zeros(3, 1, 1, 2)
    images[:, 0, 0, 0] = torch.tensor([0.0, 0.5, 1.0])  # on [-1, 1]: -1, 0, 1; variance (1 + 0 + 1) / 2
    images[:, 0, 0, 1] = 0.25  # the same in all
    assert pixel_deviation(images) == pytest.approx(0.5)


def test_channels_count_like_pixels_and_differences_between_pixels_do_not_count() -> None:
    images = torch.rand(1, 3, 5, 4).repeat(10, 1, 1, 1)
    assert pixel_deviation(images) == 0
    images[::2, 1] = 0  # one channel of three: five times -1, five times 0, on [-1, 1]
    images[1::2, 1] = 0.5
    assert pixel_deviation(images) == pytest.approx(math.sqrt(10 * 0.25 / 9) / 3)


def test_tiny_deviations_survive_float32() -> None:
    images = torch.full((2, 1, 1, 1), 0.5)
    images[1] += torch.finfo(torch.float32).eps
    assert pixel_deviation(images) == pytest.approx(2 * torch.finfo(torch.float32).eps / math.sqrt(2), rel=1e-6)


@pytest.mark.parametrize("shape", [(1, 3, 4, 4), (3, 4, 4)])
def test_a_single_image_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="at least two images of one mask"):
        pixel_deviation(torch.zeros(shape))


def test_each_mask_is_painted_with_its_own_noises() -> None:
    seen: list[tuple[tuple[int, ...], float]] = []

    def paint(label: Tensor, generator: torch.Generator) -> Tensor:
        value = torch.rand((), generator=generator)
        seen.append((tuple(label.shape), float(value)))
        return value.expand(3, *label.shape[1:]) if label.any() else torch.zeros(3, *label.shape[1:])

    labels = [torch.ones(1, 2, 3, dtype=torch.int32), torch.zeros(1, 4, 4, dtype=torch.int32)]
    found = diversity(paint, labels, seed=5)
    assert [shape for shape, _ in seen] == [(1, 2, 3)] * 10 + [(1, 4, 4)] * 10
    values = [value for _, value in seen]
    assert len(set(values)) == 20
    assert found == [pytest.approx(2 * torch.tensor(values[:10]).std().item(), rel=1e-5), 0.0]
    assert diversity(paint, labels, seed=5) == found
    assert diversity(paint, labels, seed=6) != found


def test_a_generator_without_noise_has_no_diversity_and_one_with_noise_has_some() -> None:
    label = torch.zeros(1, 16, 16, dtype=torch.int32)
    label[:, 4:9, 5:12] = 1

    def measured(global_noise: int, local_noise: int) -> float:
        torch.manual_seed(0)
        network = SPADEGenerator(4, global_noise=global_noise, local_noise=local_noise, hidden=8, multipliers=(2, 1))
        return diversity(SyntheticImageGenerator(network).paint, [label])[0]

    assert measured(0, 0) == 0
    assert measured(1, 0) > 1e-4 and measured(0, 1) > 1e-4
