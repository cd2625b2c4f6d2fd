# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Star shapes: pale nuclei with dark rims are filled, ragged outlines end, and the clear and the rough stay."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from scipy.ndimage import label as pieces_of
from torch import Tensor

from transforms.instances.split_by_points import split_by_points
from transforms.pseudo_labels import star_shapes
from transforms.pseudo_labels.star_shapes import best_cycle, click_distance, cycle_value, expected_axes, star_shaped

SIZE = (96, 120)
CENTRES = np.array([[20.0, 22.0], [58.0, 24.0], [96.0, 26.0], [24.0, 68.0], [62.0, 70.0], [98.0, 72.0]])  # x, y
RADII = np.array([[9.0, 9.0], [13.0, 6.0], [8.0, 8.0], [9.0, 8.0], [7.0, 11.0], [9.0, 9.0]])  # across, down


def true_label() -> np.ndarray:
    """Six ellipses, one twice as long as wide: int32 (H, W), in raster order of their centres."""
    y, x = np.mgrid[: SIZE[0], : SIZE[1]]
    label = np.zeros(SIZE, np.int32)
    for index, (centre, radius) in enumerate(zip(CENTRES, RADII, strict=True)):
        label[((x - centre[0]) / radius[0]) ** 2 + ((y - centre[1]) / radius[1]) ** 2 <= 1] = index + 1
    return label


def evidence(truth: np.ndarray, noise: float = 1.0, pale: tuple[int, ...] = ()) -> Tensor:
    """Foreground probability (1, H, W) with blurred noise in the log odds; pale middles look like ground."""
    odds = np.where(truth > 0, 1.5, -1.5)
    y, x = np.mgrid[: SIZE[0], : SIZE[1]]
    for index in pale:
        centre, radius = CENTRES[index - 1], RADII[index - 1]
        ratio = ((x - centre[0]) / radius[0]) ** 2 + ((y - centre[1]) / radius[1]) ** 2
        odds[(ratio < 0.45) & (x > centre[0] - 3)] = -0.5  # the rim is left open to the right
        odds[(ratio <= 1) & (abs(y - centre[1]) < 3) & (x > centre[0])] = -0.5
    odds += noise * gaussian_filter(np.random.default_rng(0).normal(size=SIZE), 1.5) * 5
    return torch.from_numpy(1 / (1 + np.exp(-odds)))[None].float()


def labelled(probability: Tensor, points: Tensor) -> Tensor:
    """As the refiner does: one object for each point, where foreground is more likely than not."""
    flat = torch.zeros(2, *SIZE)
    return split_by_points(torch.cat([flat, probability]), points, max_radius=20)


def overlap(label: Tensor, truth: np.ndarray) -> np.ndarray:
    """Intersection over union of each object with its true one, (n,)."""
    ids = label[0].numpy()
    return np.array(
        [
            np.sum((ids == index) & (truth == index)) / np.sum((ids == index) | (truth == index))
            for index in range(1, len(CENTRES) + 1)
        ]
    )


def test_ragged_and_pale_objects_become_what_they_are() -> None:
    truth, points = true_label(), torch.from_numpy(CENTRES)
    probability = evidence(truth, pale=(1, 4))
    before = labelled(probability, points)
    after = star_shaped(before, probability, points)
    assert overlap(after, truth).min() > 0.75
    assert overlap(after, truth).mean() > overlap(before, truth).mean() + 0.05
    assert overlap(before, truth)[[0, 3]].max() < 0.75 < 0.85 < overlap(after, truth)[[0, 3]].min()


def test_every_object_is_one_piece_without_holes_and_keeps_its_id() -> None:
    truth, points = true_label(), torch.from_numpy(CENTRES)
    probability = evidence(truth, pale=(1, 4))
    after = star_shaped(labelled(probability, points), probability, points)
    assert after.dtype == torch.int32
    assert after.shape == probability.shape
    assert after.unique().tolist() == list(range(len(CENTRES) + 1))
    for index, (x, y) in enumerate(CENTRES.astype(int), 1):
        own = after[0].numpy() == index
        assert own[y, x]
        assert pieces_of(own)[1] == 1
        outside, holes = pieces_of(~own)
        assert holes == 1, outside


def test_a_long_object_stays_long() -> None:
    truth, points = true_label(), torch.from_numpy(CENTRES)
    probability = evidence(truth)
    after = star_shaped(labelled(probability, points), probability, points)
    row, column = np.nonzero(after[0].numpy() == 2)
    assert np.ptp(column) > 1.6 * np.ptp(row)


def test_clear_images_keep_their_labels() -> None:
    truth, points = true_label(), torch.from_numpy(CENTRES)
    probability = torch.from_numpy(np.where(truth > 0, 0.98, 0.01)).float()[None]
    label = labelled(probability, points)
    assert torch.equal(star_shaped(label, probability, points), label)


def test_rough_clicks_keep_their_labels() -> None:
    truth = true_label()
    points = torch.from_numpy(CENTRES + 0.75 * RADII * [1, 0])
    probability = evidence(truth)
    label = labelled(probability, points)
    assert torch.equal(star_shaped(label, probability, points), label)


def test_clicks_beside_the_centres_are_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    truth = true_label()
    angle = np.arange(len(CENTRES)) * 1.3
    points = torch.from_numpy(CENTRES + 0.35 * RADII * np.stack([np.cos(angle), np.sin(angle)], 1))
    probability = evidence(truth, noise=0.5)
    label = labelled(probability, points)
    found = star_shaped(label, probability, points)
    monkeypatch.setattr(star_shapes, "RINGS", ())
    held = star_shaped(label, probability, points)
    assert overlap(found, truth).min() > 0.75
    assert overlap(found, truth).mean() > overlap(held, truth).mean() + 0.03


def test_a_whole_turn_gives_the_same_outline_turned() -> None:
    truth = true_label()
    probability, points = evidence(truth), torch.from_numpy(CENTRES)
    after = star_shaped(labelled(probability, points), probability, points)
    turned = torch.from_numpy(np.stack([SIZE[1] - 1 - CENTRES[:, 0], SIZE[0] - 1 - CENTRES[:, 1]], 1))
    flipped = probability.flip(1, 2)
    again = star_shaped(labelled(flipped, turned), flipped, turned).flip(1, 2)
    assert ((after > 0) != (again > 0)).sum() < 0.02 * (after > 0).sum()


def test_the_best_cycle_is_the_best_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """Against every closed path over 5 directions and 4 radii."""
    monkeypatch.setattr(star_shapes, "STEEPEST", 10)  # two steps from one direction to the next
    gain = np.random.default_rng(1).normal(size=(20, 5, 4))
    paths = np.array(list(itertools.product(range(4), repeat=5)))
    steps = paths - np.roll(paths, 1, 1)
    paths = paths[(abs(steps) <= 2).all(1)]
    best = np.max([cycle_value(gain, np.tile(path, (20, 1))) for path in paths], 0)
    found = cycle_value(gain, best_cycle(gain))
    assert np.mean(np.isclose(found, best)) > 0.8  # two turns: nearly always the best, never much worse
    assert (found <= best + 1e-9).all()
    assert (best - found).max() < 0.2 * abs(best).max()


def test_the_expected_ellipse_is_the_object_s() -> None:
    label = true_label()
    axes, middle = expected_axes(label, np.array([2]))
    assert middle[0] == pytest.approx(CENTRES[1], abs=0.5)
    variance = np.linalg.eigvalsh(axes[0] @ axes[0].T)
    area = np.sum(label == 2)
    assert math.sqrt(variance[1] / variance[0]) == pytest.approx((13 / 6) ** star_shapes.OWN_SHAPE, rel=0.1)
    assert math.pi * math.sqrt(variance.prod()) == pytest.approx(area, rel=0.01)
    assert click_distance(middle + [0.0, 6.0], middle, axes) == pytest.approx(1, rel=0.15)


def test_no_object_is_lost() -> None:
    """Objects of one pixel, in a crowd and alone, whose outlines may hold no centre of a pixel."""
    rng = np.random.default_rng(2)
    places = np.unique(rng.integers(0, 40, (300, 2)), axis=0)
    label = torch.zeros(1, 40, 40, dtype=torch.int32)
    label[0, places[:, 0], places[:, 1]] = torch.arange(1, len(places) + 1, dtype=torch.int32)
    beside = 0.45 * (np.arange(len(places)) % 3 == 0)  # a third of the clicks, at the corners of their pixels
    clicks = torch.from_numpy(places[:, ::-1] + beside[:, None])
    probability = torch.from_numpy(rng.uniform(0.02, 0.1, (1, 40, 40))).float()
    probability[0, :4] = 0.6  # doubt enough
    found = star_shaped(label, probability, clicks)
    assert not torch.equal(found, label)
    assert set(found.unique().tolist()) == set(label.unique().tolist())


def test_without_points_nothing_happens() -> None:
    label = torch.from_numpy(true_label())[None]
    assert torch.equal(star_shaped(label, evidence(true_label()), torch.zeros(0, 2)), label)


def test_sizes_that_differ_are_an_error() -> None:
    with pytest.raises(ValueError, match="give both of one shape"):
        star_shaped(torch.zeros(1, 8, 8, dtype=torch.int32), torch.zeros(1, 8, 9), torch.zeros(0, 2))
