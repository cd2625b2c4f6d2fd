# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Points to random labels as MONAI transforms."""

from __future__ import annotations

import numpy as np
import torch

from transforms.shapes.ellipse_label import RandEllipseLabel, RandEllipseLabeld
from transforms.shapes.ellipses import EllipseSampler, UniformAreaLaw

POINTS = torch.tensor([[5.0, 5.0], [20.0, 8.0], [11.0, 24.0]])
SAMPLER = EllipseSampler(UniformAreaLaw(8.0).fit([POINTS]))


def test_every_point_lies_in_its_own_object():
    label = RandEllipseLabel(SAMPLER).set_random_state(0)(POINTS, (30, 30))
    assert label.shape == (1, 30, 30) and label.dtype == torch.int32
    assert label[0, POINTS[:, 1].long(), POINTS[:, 0].long()].tolist() == [1, 2, 3]


def test_each_call_draws_anew_and_a_seed_repeats_it():
    draw = RandEllipseLabel(SAMPLER)
    draw.set_random_state(3)
    first, second = draw(POINTS, (30, 30)), draw(POINTS, (30, 30))
    assert not torch.equal(first, second)
    draw.set_random_state(3)
    assert torch.equal(draw(POINTS, (30, 30)), first)


def test_dictionary_form():
    data = {"points": POINTS.numpy(), "image": torch.zeros(3, 30, 40)}
    found = RandEllipseLabeld("points", SAMPLER).set_random_state(3)(data)["label"]
    assert isinstance(found, np.ndarray) and found.dtype == np.int32
    assert np.array_equal(found, RandEllipseLabel(SAMPLER).set_random_state(3)(POINTS, (30, 40)))
