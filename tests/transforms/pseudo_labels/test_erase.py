# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Images without nuclei: what lies around points takes the background's colour, all else stays."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from transforms.pseudo_labels.erase import REACH, background_colour, erase_nuclei
from transforms.random_streams import generator

CENTRES = torch.tensor([[20.0, 18.0], [60.0, 20.0], [28.0, 66.0], [80.0, 64.0]])
SIZE = (90, 110)


def tissue(noise: float = 0.02) -> Tensor:
    """Dark discs of radius 6 on a ground that gets brighter from left to right."""
    y, x = np.mgrid[: SIZE[0], : SIZE[1]]
    dark = np.min([np.hypot(x - cx, y - cy) for cx, cy in CENTRES.tolist()], 0) < 6
    image = torch.from_numpy(np.where(dark, 0.2, 0.6 + 0.3 * x / 110)).expand(3, -1, -1).float()
    return (image + noise * torch.randn(3, *SIZE, generator=generator(3))).clamp(0, 1)


def test_nuclei_vanish_and_the_rest_stays() -> None:
    before = tissue()
    after = erase_nuclei(before, CENTRES, 12.0, generator(0))
    y, x = np.mgrid[: SIZE[0], : SIZE[1]]
    hole = np.min([np.hypot(x - cx, y - cy) for cx, cy in CENTRES.tolist()], 0) <= REACH * 12
    assert torch.equal(after[:, ~hole], before[:, ~hole])
    ground = torch.from_numpy(0.6 + 0.3 * x / 110)
    assert ((after - ground)[:, hole].abs() < 0.12).all()
    assert 0.01 < (after - ground)[:, hole].std() < 0.03  # the texture, too, is the background's
    assert torch.equal(after, erase_nuclei(before, CENTRES, 12.0, generator(0)))


def test_an_image_full_of_nuclei_becomes_their_mean_colour() -> None:
    points = torch.cartesian_prod(torch.arange(5), torch.arange(5)) * 4.0
    after = erase_nuclei(torch.rand(3, 20, 20, generator=generator(0)), points, 12.0, generator(0))
    assert after.shape == (3, 20, 20) and after.isfinite().all() and after.mean() == pytest.approx(0.5, abs=0.05)


def test_without_points_nothing_happens() -> None:
    assert torch.equal(erase_nuclei(tissue(), torch.zeros(0, 2), 12.0, generator(0)), tissue())


def test_the_colour_is_a_mean_of_what_is_known() -> None:
    pixels, known = np.full((1, 30, 200), 0.4), np.zeros((30, 200), bool)
    known[:, :3] = True
    pixels[:, ~known] = 9.0  # must not be looked at
    np.testing.assert_allclose(background_colour(pixels, known, 2.0), 0.4, rtol=1e-9)  # also very far away
