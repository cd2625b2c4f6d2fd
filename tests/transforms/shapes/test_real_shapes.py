# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Measured shapes: known ones are found, drawn ones come out as they went in, crowded points get those of crowds."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from transforms.shapes.area_laws import UniformAreaLaw
from transforms.shapes.draw import draw_label
from transforms.shapes.real_shapes import WAVES, RealShapeSampler, measure_shapes

LAW = UniformAreaLaw(24.0)


def drawn(*shapes, size=(200, 200)):
    """A label of ellipses (x, y, major, minor, angle) with waves of order 2 to 5: amplitudes, then phases."""
    rows = [[*shape, *[0.0] * (5 + 2 * WAVES - len(shape))] for shape in shapes]
    return draw_label(torch.tensor(rows), size)


def test_an_ellipse_has_its_axes_and_no_waves():
    label = drawn((60, 70, 20, 10, 0.7), (140, 70, 15, 15, 0), (60, 170, 16, 12, 2.0))
    bank = measure_shapes(label, 24.0)
    torch.testing.assert_close(bank[:, 2], torch.tensor([0.5, 1.0, 0.75]), atol=0.02, rtol=0)
    areas = torch.tensor([20 * 10, 15 * 15, 16 * 12]) * math.pi
    torch.testing.assert_close(bank[:, 1] * 24, areas.sqrt(), rtol=0.01, atol=0)
    torch.testing.assert_close(bank[:, 0] * 24, torch.tensor([80.0, 80.0, 100.0]), rtol=0.01, atol=0)
    assert bank[:, 3 : 3 + WAVES].max() < 0.02


@pytest.mark.parametrize("order", [3, 4])
def test_a_wave_is_found_with_its_phase(order):
    waves = [0.0] * (2 * WAVES)
    waves[order - 2], waves[WAVES + order - 2] = 0.15, 1.0
    (shape,) = measure_shapes(drawn((100, 100, 40, 40, 0.0, *waves)), 24.0)
    amplitudes, phases = shape[3:].chunk(2)
    assert amplitudes.argmax() == order - 2 and amplitudes[order - 2] == pytest.approx(0.15, abs=0.015)
    assert max(np.delete(amplitudes.numpy(), order - 2)) < 0.03
    turned = shape[2].item()  # a round shape has axes of any direction: its waves are told from there
    assert turned > 0.95 and -math.pi <= phases[order - 2] <= math.pi


def test_what_is_drawn_again_covers_what_was_measured():
    waves = (0.05, 0.16, 0.08, 0.04, 0.4, 2.0, -1.0, 0.3)
    label = drawn((100, 100, 34, 24, 0.5, *waves))
    bank = measure_shapes(label, 24.0)
    best = 0.0
    for seed in range(60):  # some of these are turned nearly as the original
        generator = torch.Generator().manual_seed(seed)
        again = draw_label(RealShapeSampler(LAW, bank)(torch.tensor([[100.0, 100.0]]), generator), (200, 200)) > 0
        best = max(best, float((again & (label > 0)).sum() / (again | (label > 0)).sum()))
        assert int(again.sum()) == pytest.approx(int((label > 0).sum()), rel=0.02)
    assert best > 0.93


def test_objects_at_the_border_and_specks_have_no_shape():
    label = drawn((2, 100, 10, 10, 0), (100, 100, 12, 12, 0))
    label[0, 150, 150:152] = label.max() + 1
    assert len(measure_shapes(label, 24.0)) == 1
    empty = measure_shapes(torch.zeros(1, 20, 20, dtype=torch.int32), 24.0)
    assert empty.shape == (0, 3 + 2 * WAVES)
    with pytest.raises(ValueError, match="no shape was measured"):
        RealShapeSampler(LAW, empty)


def bank_of(*nearest_and_root):
    bank = torch.zeros(len(nearest_and_root), 3 + 2 * WAVES)
    bank[:, :2], bank[:, 2] = torch.tensor(nearest_and_root), 0.8
    return bank


def test_crowded_points_get_the_shapes_of_crowded_objects():
    sampler = RealShapeSampler(LAW, bank_of(*[(0.5, 0.4)] * 50, *[(3.0, 1.0)] * 50))
    points = torch.tensor([[100.0, 100.0], [111.0, 100.0], [300.0, 300.0]])
    shapes = sampler(points, torch.Generator().manual_seed(0))
    areas = math.pi * shapes[:, 2] * shapes[:, 3]
    torch.testing.assert_close(areas.sqrt() / 24, torch.tensor([0.4, 0.4, 1.0]))
    assert torch.equal(shapes[:, :2], points)


def test_lengths_go_with_the_diameter_and_draws_with_the_generator():
    bank = bank_of(*[(0.5 + step / 50, 0.5 + step / 200) for step in range(100)])
    points = torch.rand(40, 2, generator=torch.Generator().manual_seed(1)) * 200
    draw = RealShapeSampler(LAW, bank).prepare(points)
    one, again, other = (draw(torch.Generator().manual_seed(seed)) for seed in (3, 3, 4))
    assert torch.equal(one, again) and not torch.equal(one, other)
    twice = RealShapeSampler(UniformAreaLaw(48.0), bank)(2 * points, torch.Generator().manual_seed(3))
    torch.testing.assert_close(twice[:, :4], 2 * one[:, :4])
    torch.testing.assert_close(twice[:, 4:], one[:, 4:])
