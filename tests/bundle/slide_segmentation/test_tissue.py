# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""What is taken for tissue: stain on glass, bright on dark, and all of it where the slide is full."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bundle.slide_segmentation.layout import Layout
from bundle.slide_segmentation.tissue import MARGIN, default_way, tissue_mask, tissue_windows, windows_with
from bundle.slides.grid import Box, Grid
from bundle.slides.reader import Slide

GLASS, STROMA, NUCLEUS = (0.94, 0.93, 0.94), (0.90, 0.75, 0.85), (0.4, 0.3, 0.6)


def picture(colour, size=(60, 80)):
    noise = torch.randn(3, *size, generator=torch.Generator().manual_seed(0)) * 0.005
    return torch.tensor(colour)[:, None, None] + noise


def test_stained_tissue_is_told_from_glass():
    image = picture(GLASS)
    image[:, 20:40, 30:60] = picture(STROMA)[:, 20:40, 30:60]
    mask = tissue_mask(image)
    assert mask[20:40, 30:60].all()
    far = np.ones_like(mask)
    far[20 - MARGIN : 40 + MARGIN, 30 - MARGIN : 60 + MARGIN] = False
    assert not mask[far].any()


def test_a_single_nucleus_on_glass_is_tissue():
    image = picture(GLASS)
    share = 0.6  # of a pixel of the mask of 8 um, a nucleus of 7 um
    image[:, 30, 40] = (1 - share) * torch.tensor(GLASS) + share * torch.tensor(NUCLEUS)
    mask = tissue_mask(image)
    assert mask[30, 40] and mask.sum() <= (2 * MARGIN + 1) ** 2


def test_glass_alone_is_no_tissue_and_nuclei_count_where_all_is_tissue():
    assert not tissue_mask(picture(GLASS)).any()
    full = picture(STROMA)
    full[:, ::7, ::5] = torch.tensor(NUCLEUS)[:, None, None]
    assert tissue_mask(full)[::7, ::5].all()


def test_black_around_a_scan_is_no_tissue_nor_is_its_rim():
    image = picture(GLASS)
    image[:, 20:40, 10:30] = picture(STROMA)[:, 20:40, 10:30]
    image[:, :, 50:] = 0  # what the scanner did not look at
    image[:, :, 49] *= 0.3  # a px of which a part is glass
    mask = tissue_mask(image)
    assert mask[20:40, 10:30].all() and not mask[:, 40:].any()
    assert not tissue_mask(torch.zeros(3, 60, 80)).any()


def test_tissue_up_to_the_end_of_a_scan_is_tissue():
    image = picture(STROMA)
    image[:, ::7, ::5] = torch.tensor(NUCLEUS)[:, None, None]
    image[:, :, 50:] = 0
    assert tissue_mask(image)[::7, :45:5].all()


def test_fluorescence_is_bright_on_dark():
    image = 0.02 + 0.003 * torch.randn(1, 60, 80, generator=torch.Generator().manual_seed(0))
    image[0, 10:14, 20:24] = 0.5
    image[0, 40:44, 60:64] = 0.12
    mask = tissue_mask(image)
    assert mask[10:14, 20:24].all() and mask[40:44, 60:64].all() and mask.mean() < 0.05
    assert default_way(1) == "none" and default_way(3) == "otsu"


@settings(max_examples=30)
@given(st.integers(0, 2**32), st.integers(1, 97), st.integers(1, 61), st.integers(2, 20))
def test_windows_with_tissue_are_those_that_touch_it(seed, width, height, window):
    layout = Layout((height, width), window, max(window // 2, 1), 10, 0, 1)
    mask = np.random.default_rng(seed).random((max(height // 3, 1), max(width // 3, 1))) < 0.1
    found = windows_with(mask, Grid(layout.size, layout.size), layout)
    for (row, column), has in np.ndenumerate(found):
        box = layout.window_box((row, column)).within(layout.box)
        expected = any(box.within(_on_grid(place, mask.shape, layout)) for place in np.argwhere(mask).tolist())
        assert has or not expected  # nothing is missed
        if has:  # and nothing is far
            assert any(box.grown(1).within(_on_grid(place, mask.shape, layout)) for place in np.argwhere(mask).tolist())


def _on_grid(place, shape, layout):
    """The px of the grid that a px of the mask touches."""
    (row, column), across, down = place, layout.size[1] / shape[1], layout.size[0] / shape[0]
    right, bottom = int(np.ceil((column + 1) * across)), int(np.ceil((row + 1) * down))
    return Box(int(column * across), int(row * down), right, bottom)


def test_tissue_is_looked_for_on_the_whole_slide_or_not_at_all(files, tmp_path):
    image = np.full((640, 960, 3), 240, np.uint8)
    image[320:, 640:] = files.noise(320, 320, 3) // 2
    with Slide(files.pyramid(tmp_path / "a.tif", image, levels=2)) as slide:
        grid = slide.grid(0.5)
        layout = Layout(grid.size, 32, 32, 64, 4, 1)
        found = tissue_windows(slide, grid, layout, "otsu")
        assert tissue_windows(slide, grid, layout, "none").all()
    assert found.shape == (10, 15) and found[5:, 10:].all() and not found[:3].any() and not found[:, :8].any()
