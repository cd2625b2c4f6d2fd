# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Windows of a region of a slide: they hold it and its margin, show the slide alone, and cost what an image's do."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bundle.slide_segmentation.block import cached_segmenter, model_identity, tile_results
from bundle.slide_segmentation.layout import Layout
from bundle.slide_segmentation.objects import joined_objects
from bundle.slide_segmentation.plan import Plan, Settings
from bundle.slide_segmentation.region import region_layout, region_plan
from bundle.slide_segmentation.windows import Clock
from bundle.slides.grid import Box
from bundle.slides.reader import Slide

MARGIN = 26  # px: of nuclei of 6 um at 0.5 um per px
SLIDE = Layout((20_000, 20_000), 256, 192, 1024, 99, 2)


def windows_of(layout: Layout) -> list[Box]:
    rows, columns = layout.window_counts()
    return [layout.window_box((row, column)) for row in range(rows) for column in range(columns)]


def px_of_image(height: int, width: int) -> int:
    """What `bundle.inference.segmenter.windows` shows the network of an image."""
    rows, columns = (math.ceil(max(length - 256, 0) / 192) + 1 for length in (height, width))
    return rows * columns * 256**2


@settings(max_examples=60)
@given(
    st.tuples(*[st.integers(1, 900)] * 2),
    st.tuples(*[st.integers(0, 899)] * 4),
    st.integers(0, 120),
    st.sampled_from([1, 8, 32]),
)
def test_windows_hold_a_region_and_its_margin_on_the_networks_strides(size, corners, margin, step):
    slide = Layout(size, 64, 32, 128, 20, 1)
    left, right, top, bottom = (*sorted(corners[:2]), *sorted(corners[2:]))
    box = Box(left, top, right + 1, bottom + 1).within(slide.box)
    if not box:
        return
    layout = region_layout(slide, box, margin, step)
    windows, asked = windows_of(layout), box.grown(margin).within(slide.box)
    seen = np.zeros((layout.box.height, layout.box.width), bool)
    for window in windows:
        assert window.left % step == window.top % step == window.width % step == 0
        assert window.within(layout.box)  # none shows nothing
        seen[window.within(layout.box).slices(layout.box)] = True
    assert seen.all() and layout.box.within(slide.box) == layout.box and asked.within(layout.box) == asked
    for window in windows:  # nothing is mirrored where the slide goes on
        assert window.right <= layout.box.right or layout.box.right == size[1]
        assert window.bottom <= layout.box.bottom or layout.box.bottom == size[0]


def px_of_region(height: int, width: int, offset: int, step: int) -> int:
    """What it shows the network of a region."""
    box = Box(4000 + offset, 5000 + offset, 4000 + offset + width, 5000 + offset + height)
    layout = region_layout(SLIDE, box, MARGIN, step)
    rows, columns = layout.window_counts()
    return rows * columns * layout.window**2


@pytest.mark.parametrize(("step", "most"), [(8, 1.0), (32, 1.1)])
@pytest.mark.parametrize("shape", [1.0, 0.4])
def test_regions_cost_what_their_pixels_cost_as_images(step, most, shape):
    """On average over sides from 64 to 2200 px at the model's spacing and over places."""
    sizes = [(side, round(shape * side)) for side in range(64, 2200, 17)]
    costs = [px_of_region(*size, offset, step) / px_of_image(*size) for size in sizes for offset in (0, 5, 71)]
    assert np.mean(costs) <= most


@pytest.mark.parametrize("sides", [(512, 512), (1000, 1000), (1024, 1024), (2048, 2048)])
def test_no_such_region_costs_a_tenth_more(sides):
    assert max(px_of_region(*sides, offset, 8) for offset in range(192)) < 1.11 * px_of_image(*sides)


def test_a_small_region_is_one_window_of_real_pixels_around_it():
    layout = region_layout(SLIDE, Box(4000, 5000, 4100, 5100), MARGIN, 8)
    assert layout.window_counts() == (1, 1) and layout.window == 256
    assert layout.box.left + 70 <= 4000 and layout.box.right - 70 >= 4100  # in its middle
    layout = region_layout(SLIDE, Box(4000, 5000, 4256, 5256), MARGIN, 8)
    assert layout.box == Box(3968, 4968, 4288, 5288)  # 3974 to 4282 and 4974 to 5282, in strides of 8 px


def plan_of(bench) -> Plan:
    model_settings = Settings(window=64, tile=96, block=96, largest=12.0)
    segmenter = cached_segmenter(str(bench.model), model_identity(bench.model), "none", "cpu")
    with Slide(bench.slide) as slide:
        grid = slide.grid(segmenter.mpp)
        layout = model_settings.layout(grid, segmenter.mpp, None, segmenter.output)
        tissue = np.ones(layout.window_counts(), bool)
        return Plan(grid, layout, tissue, slide.mpp, None, slide.window, model_identity(bench.model))


def found_in(bench, plan: Plan) -> set[tuple]:
    """Each object by its box, area and pixels."""
    segmenter = cached_segmenter(str(bench.model), plan.weights, "none", "cpu")
    with Slide(bench.slide) as slide:
        objects = joined_objects(
            [
                result.objects
                for block in plan.blocks()
                for result in tile_results(slide, segmenter, plan, block, Clock())
            ]
        )
    return {
        (*objects.box[row].tolist(), int(objects.area[row]), objects.mask(row).tobytes()) for row in range(len(objects))
    }


@pytest.mark.parametrize("box", [Box(100, 90, 203, 170), Box(0, 0, 304, 256), Box(250, 0, 304, 256)])
def test_a_region_has_the_objects_of_the_slide_where_a_network_looks_at_little(bench, box):
    """A network of one coarse level and little around each pixel: what lies a few px from a window's edge is equal."""
    plan = plan_of(bench)
    segmenter = cached_segmenter(str(bench.model), plan.weights, "none", "cpu")
    whole = found_in(bench, plan)
    found = found_in(bench, region_plan(plan, np.ones((1, 1), bool), box, segmenter))
    inside = {
        each  # boxes are px of the outlines' grid, twice as fine
        for each in whole
        if box.left * 2 <= each[0] and each[2] <= box.right * 2 and box.top * 2 <= each[1] and each[3] <= box.bottom * 2
    }
    assert len(inside) > 3 and len(inside & found) > 0.9 * len(inside)


def test_windows_on_glass_are_not_shown(bench):
    plan = plan_of(bench)
    segmenter = cached_segmenter(str(bench.model), plan.weights, "none", "cpu")
    tissue = np.zeros((16, 19), bool)
    assert not region_plan(plan, tissue, Box(60, 60, 130, 120), segmenter).tissue.any()
    tissue[4, 4] = True  # px 64 to 80
    region = region_plan(plan, tissue, Box(60, 60, 130, 120), segmenter)
    assert region.tissue.any() and not region.tissue.all()
