# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Symmetries: that each is undone exactly, vectors included, and that there are eight."""

from __future__ import annotations

import pytest
import torch

from bundle.inference.test_time_augmentation import EIGHT_FOLD, FLIPS, IDENTITY, Symmetry


def gradient_map(image: torch.Tensor) -> torch.Tensor:
    """A "network" that any symmetry commutes with: h, v are the image's central differences, m the image itself."""
    h, v = torch.zeros_like(image), torch.zeros_like(image)
    h[..., :, 1:-1] = image[..., :, 2:] - image[..., :, :-2]
    v[..., 1:-1, :] = image[..., 2:, :] - image[..., :-2, :]
    return torch.cat((h, v, image), -3)


@pytest.mark.parametrize("symmetry", EIGHT_FOLD, ids=str)
def test_undoing_brings_pixels_and_vectors_back(symmetry):
    image = torch.rand(2, 1, 6, 9, generator=torch.Generator().manual_seed(0))
    seen = gradient_map(symmetry.image(image))
    assert torch.equal(symmetry.undo_hover_map(seen), gradient_map(image))


def test_a_flip_along_x_turns_h_round_and_leaves_v():
    hover_map = torch.tensor([[[0.1, 0.2]], [[0.3, 0.4]], [[0.5, 0.6]]])  # (3, 1, 2)
    back = Symmetry(flip_x=True).undo_hover_map(hover_map)
    assert torch.equal(back, torch.tensor([[[-0.2, -0.1]], [[0.4, 0.3]], [[0.6, 0.5]]]))


def test_swapped_axes_swap_h_and_v_and_the_size():
    assert Symmetry(swap=True).image(torch.zeros(3, 4, 7)).shape == (3, 7, 4)
    hover_map = torch.tensor([[[0.1, 0.2]], [[0.3, 0.4]], [[0.5, 0.6]]])
    back = Symmetry(swap=True).undo_hover_map(hover_map)  # (3, 2, 1)
    assert torch.equal(back, torch.tensor([[[0.3], [0.4]], [[0.1], [0.2]], [[0.5], [0.6]]]))


def test_the_eight_views_of_an_asymmetric_image_differ():
    image = torch.arange(4.0).reshape(1, 2, 2)
    views = {tuple(symmetry.image(image).flatten().tolist()) for symmetry in EIGHT_FOLD}
    assert len(views) == 8
    assert set(IDENTITY) < set(FLIPS) < set(EIGHT_FOLD)
