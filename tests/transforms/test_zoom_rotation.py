# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Zoom and rotation: known places, labels that go along, and nothing from outside a sample."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from transforms.random_streams import generator
from transforms.zoom_rotation import RandZoomRotation


def generators(count: int, seed: int = 0) -> list[torch.Generator]:
    return [generator(seed, index) for index in range(count)]


def disks(count: int, size: int, radius: float) -> dict[str, Tensor]:
    """A disk of id 7 in the middle of each sample, as image, label and weight."""
    rows, columns = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    middle = (size - 1) / 2
    inside = ((rows - middle) ** 2 + (columns - middle) ** 2 <= radius**2)[None, None].expand(count, 1, -1, -1)
    return {"image": inside.float().expand(-1, 3, -1, -1), "label": inside.int() * 7, "weight": inside.float()}


def test_without_zoom_and_rotation_the_middle_is_cut_out() -> None:
    view = RandZoomRotation((8, 6), zoom=(1, 1), rotation=0)
    assert view.source_size == (8, 6)
    image = torch.rand(2, 3, 12, 10)
    cut = view({"image": image}, generators(2))["image"]
    torch.testing.assert_close(cut, image[:, :, 2:10, 2:8])


@pytest.mark.parametrize("zoom", [0.5, 1.0, 2.0])
def test_a_disk_grows_by_the_zoom_at_any_angle(zoom: float) -> None:
    view = RandZoomRotation((64, 64), zoom=(zoom, zoom))
    batch = view(disks(6, max(view.source_size), radius=10), generators(6))
    areas = (batch["label"] == 7).sum(dim=(1, 2, 3))
    assert areas.float() == pytest.approx(math.pi * (10 * zoom) ** 2, rel=0.06)
    assert set(batch["label"].unique().tolist()) == {0, 7} and batch["label"].dtype == torch.int32
    assert torch.equal(batch["label"] == 7, batch["weight"] == 1)  # moved alike


def test_zooms_and_angles_differ_and_stay_in_their_range() -> None:
    view = RandZoomRotation((64, 64))
    batch = view(disks(40, max(view.source_size), radius=12), generators(40))
    factors = ((batch["label"] == 7).sum(dim=(1, 2, 3)) / (math.pi * 144)).sqrt()
    assert 0.66 < factors.min() < 0.8 and 1.25 < factors.max() < 1.46


def test_a_turn_keeps_distances_from_the_middle_and_moves_the_rest() -> None:
    view = RandZoomRotation((33, 33), zoom=(1, 1))
    size = max(view.source_size)
    spot = torch.zeros(5, 1, size, size)
    middle = size // 2
    spot[:, :, middle - 1 : middle + 2, middle + 9 : middle + 12] = 1  # 3 x 3 px, 10 px to the right
    found = view({"image": spot}, generators(5))["image"]
    grid = torch.arange(33) - 16.0
    mass = found.sum(dim=(1, 2, 3))
    x, y = ((found * axis).sum(dim=(1, 2, 3)) / mass for axis in (grid, grid[:, None]))
    assert torch.hypot(x, y) == pytest.approx(10, abs=0.6)
    assert torch.atan2(y, x).std() > 0.5


def test_ids_of_a_large_image_stay_exact() -> None:
    view = RandZoomRotation((16, 16))
    ids = torch.arange(70_000, 70_000 + max(view.source_size) ** 2, dtype=torch.int32)
    batch = {"image": torch.rand(1, 3, *view.source_size), "label": ids.view(1, 1, *view.source_size)}
    found = view(batch, generators(1))["label"]
    assert torch.isin(found, ids).all()


def test_nothing_from_outside_is_shown() -> None:
    view = RandZoomRotation((20, 12), zoom=(0.6, 1.5))
    places = view._places(*view._draw(generators(64), torch.device("cpu")), torch.zeros(64, 3, *view.source_size))
    height, width = view.source_size
    assert places[..., 0].abs().max() <= 1 - 1 / width + 1e-5 and places[..., 1].abs().max() <= 1 - 1 / height + 1e-5


def test_what_shrinks_is_smoothed_and_what_grows_is_not() -> None:
    noise = torch.rand(8, 3, 80, 80)
    kept, shrunk = (
        RandZoomRotation((16, 16), zoom=(zoom, zoom), rotation=0)({"image": noise}, generators(8))["image"].std()
        for zoom in (1.0, 0.5)
    )
    assert shrunk < 0.5 * kept  # four independent pixels in one halve the deviation, at least


def test_a_sample_depends_on_its_own_generator_alone() -> None:
    view = RandZoomRotation((16, 16))
    image = torch.rand(1, 3, *view.source_size).expand(3, -1, -1, -1)
    whole = view({"image": image}, generators(3))["image"]
    last = view({"image": image[2:]}, [generator(0, 2)])["image"]
    torch.testing.assert_close(whole[2:], last)
    assert not torch.allclose(whole[0], whole[1])


def test_bad_arguments_are_named() -> None:
    with pytest.raises(ValueError, match=r"zoom is \[0, 2\]"):
        RandZoomRotation((8, 8), zoom=(0, 2))
    with pytest.raises(ValueError, match="compute the map from it"):
        RandZoomRotation((8, 8), keys=["hover_map"])
    with pytest.raises(ValueError, match="must be"):
        RandZoomRotation((8, 8))({"image": torch.rand(1, 3, 8, 8)}, generators(1))
