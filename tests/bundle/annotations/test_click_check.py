# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Exact clicks are told from rough ones, on dark and on bright objects; where nothing can be told, nothing is said."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from bundle.annotations import click_check
from bundle.annotations.click_check import check_clicks, climb, colour_of_objects
from bundle.data.folder import DataFolder
from bundle.files.points_csv import write_points

SPACING, RADIUS, SIDE = 20, 6, 200  # px at 0.5 um per px: discs of 6 um
WriteDiscs = Callable[..., DataFolder]


def discs(radius: float = RADIUS) -> tuple[np.ndarray, np.ndarray]:
    """Where discs are, bool (H, W), and their centres (N, 2)."""
    places = np.arange(SPACING / 2, SIDE, SPACING)
    centres = np.stack(np.meshgrid(places, places), -1).reshape(-1, 2)
    row, column = np.mgrid[:SIDE, :SIDE]
    offsets = np.stack([column, row], -1)[:, :, None] - centres  # (H, W, N, 2)
    return (np.linalg.norm(offsets, axis=-1) <= radius).any(-1), centres


@pytest.fixture
def write_discs(tmp_path: Path) -> WriteDiscs:
    """A data folder of discs whose clicks lie so many px beside the centres."""

    def write(noise: float, colours: tuple = ((200, 180, 220), (90, 60, 150)), images: int = 2, **more) -> DataFolder:
        folder, drawn = tmp_path / f"{noise}", np.random.default_rng(0)
        there, centres = discs(more.get("radius", RADIUS))
        for name in "abcdef"[:images]:
            pixels = np.where(there[..., None], colours[1], colours[0]) + drawn.normal(0, 8, (SIDE, SIDE, 1))
            (folder / "images").mkdir(parents=True, exist_ok=True)
            (folder / "points").mkdir(exist_ok=True)
            pixels = pixels.clip(0, 255).astype(np.uint8)
            Image.fromarray(pixels if len(colours[0]) == 3 else pixels[..., 0]).save(folder / "images" / f"{name}.png")
            clicks = (centres + drawn.normal(0, noise, centres.shape)).clip(0, SIDE - 1)
            write_points(folder / "points" / f"{name}.csv", torch.from_numpy(clicks).float())
        return DataFolder(folder, mpp=0.5, channels=len(colours[0]))

    return write


@pytest.mark.parametrize("colours", [((200, 180, 220), (90, 60, 150)), ((30,), (180,)), ((180,), (60,))])
def test_clicks_are_told_apart(write_discs: WriteDiscs, colours: tuple) -> None:
    found = [check_clicks(write_discs(noise, colours), 6.0, 0.5) for noise in (0, 1.5, 4.0)]
    assert all(each is not None and (each.images, each.clicks) == (2, 200) for each in found)
    exact, near, rough = (each.diameters for each in found if each)
    assert exact <= near < 0.25 < rough  # 0, 0.125 and 0.33 of 12 px


def test_an_image_may_have_objects_of_another_size(write_discs: WriteDiscs) -> None:
    folder = write_discs(1.0, radius=3).dataset_dir
    (folder / "diameters.csv").write_text("image,diameter_px\na,6\nb,6\n")
    own, common = (check_clicks(DataFolder(folder, mpp=0.5), each, 0.5) for each in (6.0, 3.0))
    assert own == common and own is not None and 0.08 < own.diameters < 0.25  # 1 px of 6


def test_where_nothing_can_be_told_nothing_is_said(write_discs: WriteDiscs) -> None:
    assert check_clicks(write_discs(0, ((90, 90, 90), (90, 90, 90))), 6.0, 0.5) is not None  # sensor noise: something
    flat = write_discs(1.0).dataset_dir
    for path in (flat / "images").iterdir():
        Image.new("RGB", (SIDE, SIDE), (90, 90, 90)).save(path)
    assert check_clicks(DataFolder(flat, mpp=0.5), 6.0, 0.5) is None
    few = write_discs(2.0, images=1).dataset_dir
    (few / "points" / "a.csv").write_text("x,y\n10,10\n30,30\n")
    assert check_clicks(DataFolder(few, mpp=0.5), 6.0, 0.5) is None


def test_of_a_large_data_set_a_part_is_looked_at(write_discs: WriteDiscs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(click_check, "MOST_IMAGES", 3)
    monkeypatch.setattr(click_check, "MOST_CLICKS", 20)
    monkeypatch.setattr(click_check, "SIDE", 120)
    found = check_clicks(write_discs(0.0, images=6), 6.0, 0.5)
    assert found is not None and (found.images, found.clicks) == (3, 60) and found.diameters < 0.1


def test_a_click_climbs_to_the_middle_of_what_it_marks() -> None:
    row, column = np.mgrid[:41, :61]
    hill = np.exp(-((column - 30.25) ** 2 + (row - 20.0) ** 2) / (2 * 4.0**2))
    found = climb(hill, np.array([[27.0, 22.0], [33.0, 18.5]]), reach=3.0, steps=40)
    np.testing.assert_allclose(found, [[30.25, 20.0]] * 2, atol=0.05)
    one = climb(hill, np.array([[28.0, 20.0]]), reach=3.0, steps=1)
    # two Gaussians: the mean of their product lies 9 / (9 + 16) of the way to the hill's top
    np.testing.assert_allclose(one, [[28.0 + 2.25 * 9 / 25, 20.0]], atol=0.01)


def test_colours_at_the_points_are_objects_and_those_far_off_are_not() -> None:
    there, centres = discs()
    image = torch.where(torch.from_numpy(there), 0.2, 0.8).float()[None].repeat(3, 1, 1)
    found = colour_of_objects(image, torch.from_numpy(centres), 2.0 * RADIUS)
    assert found[10, 10] == pytest.approx(1, abs=0.05) and found[0, 0] == pytest.approx(0, abs=0.05)
    assert colour_of_objects(torch.full((1, 50, 50), 0.5), torch.tensor([[25.0, 25.0]]), 12.0).max() < 1e-6
