# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Tissue around objects: what is erased, what stays, and that known and drawn objects are erased alike."""

from __future__ import annotations

import torch

from transforms.maps.tissue import AddTissue, tissue_around


def objects(*pixels: tuple[int, int]) -> torch.Tensor:
    """bool (1, 1, 7, 9), True at (y, x)."""
    found = torch.zeros(1, 1, 7, 9, dtype=torch.bool)
    for y, x in pixels:
        found[..., y, x] = True
    return found


def test_objects_are_erased_as_far_as_the_reach_and_all_else_stays() -> None:
    image = torch.rand(1, 3, 7, 9, generator=torch.Generator().manual_seed(0)) + 0.1
    tissue = tissue_around(image, objects((2, 3)), 1)
    expected = torch.zeros(7, 9)
    expected[1:4, 2:5] = 1
    assert torch.equal(tissue[0, 3], expected)
    assert torch.equal(tissue[:, :3], image * (1 - expected))


def test_the_border_cuts_what_is_erased() -> None:
    assert tissue_around(torch.ones(1, 1, 7, 9), objects((0, 0)), 2)[0, 1].sum() == 9


def test_without_objects_the_whole_image_is_left() -> None:
    image = torch.rand(1, 3, 7, 9)
    assert torch.equal(tissue_around(image, objects(), 3), torch.cat([image, torch.zeros(1, 1, 7, 9)], 1))


def test_a_stream_gets_the_tissue_around_known_and_drawn_objects() -> None:
    batch = {"image": torch.ones(1, 3, 7, 9), "label": objects((1, 1)).int(), "known_label": 5 * objects((5, 7)).int()}
    added = AddTissue(1)(batch, [])
    assert torch.equal(added.pop("tissue"), tissue_around(batch["image"], objects((1, 1), (5, 7)), 1))
    assert added == batch
