# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The blob sampler: an ellipse when its waves are flat, the law's area when they are not, one piece always."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from skimage.measure import label as components

from transforms.random_streams import generator
from transforms.shapes.area_laws import UniformAreaLaw
from transforms.shapes.blobs import BlobSampler
from transforms.shapes.draw import draw_label
from transforms.shapes.ellipses import EllipseSampler

POINTS = torch.rand(2000, 2, generator=generator(0)) * 1500
LAW = UniformAreaLaw(12.0).fit([POINTS])
APART = torch.cartesian_prod(torch.arange(10.0), torch.arange(10.0)) * 80 + 40.3  # no two blobs meet
LARGE = UniformAreaLaw(30.0, k=1.0)  # areas of 100 to 2000 px^2


def test_rows_are_an_ellipse_amplitudes_and_phases():
    blobs = BlobSampler(LAW)(POINTS, generator(1))
    assert blobs.shape == (2000, 11) and blobs.dtype == torch.float32
    assert torch.equal(blobs[:, :2], POINTS)
    amplitudes, phases = blobs[:, 5:8], blobs[:, 8:]
    assert amplitudes.min() >= 0 and (amplitudes <= torch.tensor([0.12, 0.08, 0.05])).all()
    torch.testing.assert_close(amplitudes.mean(0), torch.tensor([0.06, 0.04, 0.025]), rtol=0.05, atol=0)
    assert phases.min() >= 0 and phases.max() <= 2 * math.pi
    torch.testing.assert_close(phases.mean(0), torch.full((3,), math.pi), rtol=0.05, atol=0)
    assert np.abs(np.corrcoef(blobs[:, 4:].T.numpy()) - np.eye(7)).max() < 0.1  # nothing hangs on anything else


def test_flat_waves_are_the_ellipse():
    blobs = BlobSampler(LAW, amplitudes=(0.0, 0.0))(POINTS, generator(1))
    ellipses = EllipseSampler(LAW)(POINTS, generator(1))
    assert torch.equal(blobs[:, :5], ellipses) and not blobs[:, 5:7].any()
    assert torch.equal(draw_label(blobs, (600, 700)), draw_label(ellipses, (600, 700)))


def test_the_area_is_the_laws():
    """By the polygon of each outline, in px, in the image's own frame."""
    sampler = BlobSampler(LAW, amplitudes=(0.2, 0.3, 0.1, 0.2))
    blobs, areas = sampler(POINTS, generator(2)).double(), LAW.draw(POINTS, generator(2))  # areas are drawn first
    phi = torch.linspace(0, 2 * math.pi, 721, dtype=torch.float64)[:-1]
    k = torch.arange(2, 6)[:, None]
    radius = 1 + (blobs[:, 5:9, None] * torch.cos(k * phi + blobs[:, 9:, None])).sum(1)  # (N, 720)
    along, across = blobs[:, 2:3] * radius * phi.cos(), blobs[:, 3:4] * radius * phi.sin()
    cosine, sine = blobs[:, 4:5].cos(), blobs[:, 4:5].sin()
    x, y = along * cosine - across * sine, along * sine + across * cosine
    area = (x * y.roll(-1, 1) - y * x.roll(-1, 1)).sum(1) / 2
    torch.testing.assert_close(area, areas, rtol=1e-3, atol=0)


def test_drawn_blobs_have_the_area_asked_for():
    totals = []
    for seed in range(5):
        blobs, areas = BlobSampler(LARGE)(APART, generator(seed)), LARGE.draw(APART, generator(seed))
        order = np.lexsort((APART[:, 0], APART[:, 1]))
        drawn = torch.bincount(draw_label(blobs, (850, 850)).flatten())[1:].double()
        error = drawn - areas[order]
        assert (error.abs() < 0.8 * areas[order] ** 0.5 + 2).all()  # pixels that the outline cuts
        totals.append((drawn.sum() / areas.sum()).item())
    assert np.mean(totals) == pytest.approx(1, abs=0.003)


def test_a_blob_is_one_piece_without_holes_that_its_centre_sees():
    label = draw_label(BlobSampler(LARGE, amplitudes=(0.3, 0.3, 0.3))(APART, generator(3)), (850, 850))[0].numpy()
    assert components(label > 0, connectivity=2).max() == len(APART)
    assert components(label == 0, connectivity=1).max() == 1
    row, column = np.nonzero(label)
    centre = np.zeros((101, 2))
    for x, y in (APART + 0.5).floor().int().tolist():
        centre[label[y, x]] = y, x
    own = label[row, column]
    for share in (0.25, 0.5, 0.75):  # of the way from the centre's pixel; rounding may step over a dent by one px
        towards = np.rint(centre[own] + share * (np.stack([row, column], 1) - centre[own])).astype(int)
        sees = label[towards[:, 0], towards[:, 1]] == own
        assert sees.mean() > 0.999


def test_blobs_are_not_ellipses():
    """An ellipse covers the same pixels when it is turned by half; a blob with three waves does not."""
    turned = []
    for sampler in (EllipseSampler(LARGE), BlobSampler(LARGE)):
        shapes = sampler(torch.full((1, 2), 40.0), generator(4))
        label = draw_label(shapes, (81, 81))[0]
        turned.append(((label != label.flip(0, 1)).sum() / label.sum()).item())
    assert turned[0] < 0.02 and turned[1] > 0.05


def test_only_the_generator_decides():
    sampler = BlobSampler(LAW)
    first = sampler(POINTS[:50], generator(5))
    state = torch.get_rng_state()
    assert torch.equal(sampler(POINTS[:50], generator(5)), first)
    assert not torch.equal(sampler(POINTS[:50], generator(6)), first)
    assert torch.equal(torch.get_rng_state(), state)


def test_no_points_give_no_blobs():
    blobs = BlobSampler(LAW)(torch.zeros(0, 2), generator(0))
    assert blobs.shape == (0, 11) and not draw_label(blobs, (5, 6)).any()


@pytest.mark.parametrize("amplitudes", [(), (-0.1, 0.2), (0.5, 0.5), (0.2, math.nan)])
def test_amplitudes_that_are_no_outline_are_refused(amplitudes):
    with pytest.raises(ValueError, match="amplitudes must be"):
        BlobSampler(LAW, amplitudes=amplitudes)
