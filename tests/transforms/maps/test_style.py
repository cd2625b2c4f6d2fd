# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The style of an image: by hand, differentiable, and what it does not depend on."""

from __future__ import annotations

import math

import torch

from transforms.maps.style import StyleCode, image_style


def test_by_hand():
    image = torch.tensor([[[[0.0, 1.0], [0.0, 1.0]], [[0.5, 0.5], [0.5, 0.5]]]])
    torch.testing.assert_close(image_style(image), torch.tensor([[0.0, 0.0, 1.0, 0.0]]), atol=2e-4, rtol=0)


def test_what_an_image_shows_where_does_not_matter():
    image = torch.rand(2, 3, 8, 6, generator=torch.Generator().manual_seed(0))
    shuffled = image.flatten(2)[:, :, torch.randperm(48)].view_as(image)
    torch.testing.assert_close(image_style(image), image_style(shuffled))


def test_a_flat_image_has_a_finite_gradient():
    image = torch.full((1, 1, 4, 4), 0.3, requires_grad=True)
    image_style(image).sum().backward()
    assert image.grad.isfinite().all() and math.isclose(float(image.grad.sum()), 2.0, rel_tol=1e-5)


def test_the_stream_adds_each_samples_own():
    batch = {"image": torch.rand(3, 3, 5, 5)}
    styled = StyleCode()(batch, [])
    assert torch.equal(styled["style"][1], image_style(batch["image"][1:2])[0]) and styled["style"].shape == (3, 6)
