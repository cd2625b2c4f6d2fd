# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Colour evidence: a wrong outline is put right where the colours show it, and nothing happens where they do not."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.ndimage import binary_dilation, binary_erosion, gaussian_filter, shift
from torch import Tensor

from transforms.pseudo_labels.colour_evidence import FLOOR, colour_posterior

SIZE = (60, 80)
PURPLE, PINK = (0.35, 0.2, 0.5), (0.9, 0.7, 0.8)
GREYS = ((0.3,), (0.8,))
POINTS = torch.tensor([[14.2, 21.0], [54.0, 17.5], [41.0, 45.6]])  # one in each object of the true region


def true_region() -> np.ndarray:
    """Three objects, one of them bent, (H, W) bool: 20 % of the image."""
    y, x = np.mgrid[: SIZE[0], : SIZE[1]]
    region = (np.hypot(x - 20, y - 20) < 11) & (np.hypot(x - 27, y - 20) > 6)
    region |= np.hypot((x - 55) / 1.8, y - 18) < 9
    return region | ((abs(x - 40) < 14) & (abs(y - 46) < 5))


def paint(region: np.ndarray, inside: tuple[float, ...], outside: tuple[float, ...], noise: float = 0.03) -> Tensor:
    """Image (C, H, W) of two colours with noise."""
    colours = torch.tensor([outside, inside])[torch.from_numpy(region).long()].movedim(2, 0)  # (C, H, W)
    return (colours + noise * torch.randn(colours.shape, generator=torch.Generator().manual_seed(0))).clamp(0, 1)


def prior_of(region: np.ndarray, blur: float = 2.0) -> Tensor:
    """What a network that knows its way around says: .98 inside, .02 outside, unsure near the outline."""
    return torch.from_numpy(0.02 + 0.96 * gaussian_filter(region.astype(np.float32), blur))[None]


def errors(probability: Tensor, region: np.ndarray) -> int:
    """Wrong pixels that are not next to the true outline, where colours mix."""
    beside = binary_dilation(region) & ~binary_erosion(region)
    return int(((probability[0].numpy() > 0.5) != region)[~beside].sum())


WRONG = {
    "eroded": lambda region: binary_erosion(region, iterations=3),
    "dilated": lambda region: binary_dilation(region, iterations=3),
    "moved": lambda region: shift(region.astype(float), (3, -3), order=0) > 0,
}


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("colours", [(PURPLE, PINK), (PINK, PURPLE), GREYS, GREYS[::-1]])
def test_a_wrong_outline_is_put_right_by_two_colours(wrong: str, colours: tuple) -> None:
    region = true_region()
    prior = prior_of(WRONG[wrong](region))
    assert errors(prior, region) > 390  # of 4368 px
    assert errors(colour_posterior(paint(region, *colours), prior, POINTS), region) <= 10


def test_a_colour_that_both_share_is_left_to_the_network() -> None:
    """Of a band whose colour is found at a point and in the background alike, the prior decides what is object."""
    region = true_region()
    image, band = paint(region, PURPLE, PINK), np.zeros(SIZE, bool)
    band[28:38] = True
    image[:, torch.from_numpy(band)] = torch.tensor((0.2, 0.7, 0.3))[:, None]
    left = np.arange(SIZE[1]) < 40
    prior = prior_of(np.where(band, left, region), blur=0)
    points = torch.cat([POINTS, torch.tensor([[20.0, 33.0]])])
    posterior = colour_posterior(image, prior, points)[0].numpy()
    assert posterior[30:36, :38].mean() > 0.7 and posterior[30:36, 42:].mean() < 0.3


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("trust", [0.5, 1.0])
def test_a_uniform_image_leaves_the_odds_of_the_prior_to_the_power_of_trust(channels: int, trust: float) -> None:
    prior = 0.1 + 0.8 * torch.rand(1, *SIZE, generator=torch.Generator().manual_seed(0))
    posterior = colour_posterior(torch.full((channels, *SIZE), 0.4), prior, POINTS, trust=trust)
    expected = prior**trust / (prior**trust + (1 - prior) ** trust)
    assert (posterior - expected).abs().max() < 1e-5


def test_a_colour_that_is_rare_everywhere_is_no_object_even_where_there_is_but_one_point() -> None:
    region = np.zeros((300, 300), bool)
    region[20:31, 20:31] = True
    image = paint(region, PURPLE, PINK)
    image[:, 250:253, 250:253] = torch.tensor((0.1, 0.9, 0.1))[:, None, None]  # a speck, far away
    posterior = colour_posterior(image, prior_of(region), torch.tensor([[25.0, 25.0]]))
    assert posterior[0, 248:255, 248:255].max() < 0.3
    assert errors(posterior, region) == 0


def test_without_points_the_prior_comes_back() -> None:
    prior = torch.rand(1, *SIZE)
    assert torch.equal(colour_posterior(paint(true_region(), PURPLE, PINK), prior, torch.zeros(0, 2)), prior)


def test_the_same_tissue_in_other_light_gives_the_same_answer() -> None:
    region = true_region()
    image, prior = paint(region, *GREYS), prior_of(binary_erosion(region, iterations=2))
    expected = colour_posterior(image, prior, POINTS)
    for changed in (image * 0.5, image * 0.5 + 0.25, 1 - image):  # darker, brighter, a negative
        posterior = colour_posterior(changed, prior, POINTS)
        assert ((posterior > 0.5) == (expected > 0.5)).float().mean() > 0.995
        assert (posterior - expected).abs().mean() < 0.01


def test_the_image_and_its_points_may_be_mirrored() -> None:
    region = true_region()
    image, prior = paint(region, PURPLE, PINK), prior_of(binary_erosion(region))
    points = POINTS.round()
    expected = colour_posterior(image, prior, points)
    for axis, (x, y) in ((2, (SIZE[1] - 1, 0)), (1, (0, SIZE[0] - 1))):
        mirrored_points = (points - torch.tensor([x, y])).abs()  # x -> W - 1 - x, or y -> H - 1 - y
        mirrored = colour_posterior(image.flip(axis), prior.flip(axis), mirrored_points)
        torch.testing.assert_close(mirrored.flip(axis), expected)


def slow_posterior(image: Tensor, prior: Tensor, points: Tensor, core: float, trust: float, bins: int) -> list[float]:
    """The answer for a grey image whose colours are not smoothed, pixel by pixel from the definition."""
    height, width = image.shape[1:]
    values, priors = image.double().flatten().tolist(), prior.double().flatten().tolist()
    low, high = min(values), max(values)
    cells = [min(int((value - low) / (high - low) * bins), bins - 1) for value in values]
    own = [(math.floor(x + 0.5), math.floor(y + 0.5)) for x, y in points.tolist()]
    places = [(x, y) for y in range(height) for x in range(width)]
    near = [math.exp(-(min(math.dist(place, point) for point in own) ** 2) / (2 * core**2)) for place in places]
    kernel = {step: math.exp(-0.5 * step**2) for step in range(-4, 5)}
    densities = []
    for weights in (near, [1 - p for p in priors]):
        counts = [sum(w for w, cell in zip(weights, cells, strict=True) if cell == c) for c in range(bins)]
        mirrored = counts[::-1] + counts + counts[::-1]
        smooth = [
            sum(k * mirrored[bins + c + s] for s, k in kernel.items()) / sum(kernel.values()) for c in range(bins)
        ]
        densities.append([value / sum(weights) + FLOOR for value in smooth])
    odds = [(p / (1 - p)) ** trust * densities[0][c] / densities[1][c] for p, c in zip(priors, cells, strict=True)]
    return [each / (1 + each) for each in odds]


def test_it_equals_bayes_rule_written_out() -> None:
    drawn = torch.Generator().manual_seed(0)
    image, prior = torch.rand(1, 6, 7, generator=drawn), 0.05 + 0.9 * torch.rand(1, 6, 7, generator=drawn)
    points = torch.tensor([[1.4, 2.6], [5.5, 0.2]])
    posterior = colour_posterior(image, prior, points, core=1.5, trust=0.7, bins=5, smoothing=0)
    expected = slow_posterior(image, prior, points, core=1.5, trust=0.7, bins=5)
    torch.testing.assert_close(posterior.flatten(), torch.tensor(expected))
    assert not torch.allclose(posterior, prior, atol=0.05)


def test_a_click_beside_its_object_does_not_turn_the_image_inside_out() -> None:
    region = true_region()
    points = torch.cat([POINTS, torch.tensor([[70.0, 50.0]])])  # nothing is there
    posterior = colour_posterior(paint(region, PURPLE, PINK), prior_of(region), points)
    assert errors(posterior, region) <= 20


def test_points_at_the_very_edge_count_as_the_edge() -> None:
    image, prior = paint(true_region(), PURPLE, PINK), prior_of(true_region())
    edge, inside = torch.tensor([[-0.5, -0.5], [79.5, 59.5]]), torch.tensor([[0.0, 0.0], [79.0, 59.0]])
    assert torch.equal(colour_posterior(image, prior, edge), colour_posterior(image, prior, inside))


@pytest.mark.parametrize("certain", [0.0, 1.0])
def test_a_network_that_is_certain_leaves_finite_numbers(certain: float) -> None:
    posterior = colour_posterior(paint(true_region(), PURPLE, PINK), torch.full((1, *SIZE), certain), POINTS)
    assert posterior.isfinite().all() and posterior.min() >= 0 and posterior.max() <= 1


def test_form_of_the_answer_and_untouched_inputs() -> None:
    image, prior = torch.rand(3, 5, 6), torch.rand(1, 5, 6, dtype=torch.float64, requires_grad=True)
    points = torch.tensor([[2.0, 3.0]])
    kept = image.clone(), prior.detach().clone(), points.clone()
    posterior = colour_posterior(image, prior, points)
    assert posterior.dtype == torch.float32 and posterior.shape == (1, 5, 6) and not posterior.requires_grad
    assert posterior.min() >= 0 and posterior.max() <= 1
    assert all(torch.equal(now, before) for now, before in zip((image, prior, points), kept, strict=True))
