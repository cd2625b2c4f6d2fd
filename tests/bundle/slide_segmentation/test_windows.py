# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The network's map of a slide: the same in every part, and what MONAI's sliding windows give for an image."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from monai.networks.nets import UNet
from torch import nn

from bundle.inference.segmenter import Segmenter, pad_to, windows
from bundle.inference.test_time_augmentation import EIGHT_FOLD
from bundle.slide_segmentation.layout import Layout
from bundle.slide_segmentation.plan import Plan
from bundle.slide_segmentation.windows import Clock, seen_map
from bundle.slides.grid import Box
from bundle.slides.reader import Slide


@pytest.fixture(scope="module")
def network():
    """One whose norms take statistics over the whole window."""
    torch.manual_seed(0)
    return UNet(2, 3, 3, (4, 8), (2,), norm="instance").eval()


def plan_for(slide, **options):
    grid = slide.grid(0.5)
    layout = Layout(grid.size, 32, 24, 40, 9, 1)
    tissue = options.pop("tissue", np.ones(layout.window_counts(), bool))
    return Plan(grid, layout, tissue, 0.25, 0, (0.0, 255.0), "", **options)


def shown_in(slide, segmenter, plan, box):
    rows, columns = plan.layout.windows_touching(box)
    places = [(row, column) for row in rows for column in columns if plan.tissue[row, column]]
    return seen_map(slide, segmenter, plan, box, places, Clock())


@pytest.fixture
def slide(files, tmp_path):
    with Slide(files.pyramid(tmp_path / "a.tif", files.noise(223, 311, 3))) as slide:
        yield slide


@pytest.mark.parametrize("batch", [1, 3])
def test_parts_equal_the_whole_bit_by_bit(slide, network, batch):
    segmenter, plan = Segmenter(network, 0.5, augmentation=EIGHT_FOLD[:2]), plan_for(slide, batch=batch)
    whole = shown_in(slide, segmenter, plan, plan.layout.box)
    for box in (Box(0, 0, 50, 60), Box(33, 17, 34, 18), Box(90, 70, 156, 112), Box(23, 0, 25, 112)):
        assert torch.equal(shown_in(slide, segmenter, plan, box), whole[:, *box.slices(plan.layout.box)])


def test_the_map_is_that_of_monais_sliding_windows(files, network, tmp_path):
    """Where the windows are the same: 104 = 32 + 3 * 24 px, 80 = 32 + 2 * 24 px."""
    with Slide(files.pyramid(tmp_path / "a.tif", files.noise(160, 208, 3))) as slide:
        plan = plan_for(slide)
        image = slide.read_box(plan.grid, plan.grid.box)
        segmenter = Segmenter(network, 0.5, inferer=windows((32, 32)))
        seen = shown_in(slide, segmenter, plan, plan.grid.box)
    torch.testing.assert_close(seen, segmenter.hover_map(image), atol=1e-5, rtol=0)


def test_windows_go_on_by_reflection_beyond_the_slide(slide):
    class Keeps(nn.Module):
        def __init__(self):
            super().__init__()
            self.seen = []

        def forward(self, image):
            self.seen.append(image.clone())
            return image

    segmenter, plan = Segmenter(Keeps(), 0.5), plan_for(slide)
    shown_in(slide, segmenter, plan, plan.grid.box)
    image = slide.read_box(plan.grid, plan.grid.box)  # (3, 112, 156)
    rows, columns = plan.layout.window_counts()
    last = plan.layout.window_box((rows - 1, columns - 1))
    assert last.bottom > 112 and last.right > 156
    assert torch.equal(segmenter.network.seen[-1][0], pad_to(image[:, last.top :, last.left :], (32, 32)))


def test_windows_without_tissue_are_not_shown_and_do_not_count(slide, network):
    segmenter, plan = Segmenter(network, 0.5), plan_for(slide)
    only = np.zeros_like(plan.tissue)
    only[1, 2] = True
    alone = plan_for(slide, tissue=only)
    seen = shown_in(slide, segmenter, alone, alone.grid.box)
    window = alone.layout.window_box((1, 2))
    inside = torch.zeros(seen.shape[1:], dtype=torch.bool)
    inside[window.slices(alone.grid.box)] = True
    assert (seen[:, ~inside] == 0).all() and (seen[2, inside] > 0).all()
    assert shown_in(slide, segmenter, alone, Box(0, 0, 20, 20)).eq(0).all()
