# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The lattices of a slide: nothing is left out, nothing belongs to two."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bundle.inference.outputs import ClassOutput, HoverOutput
from bundle.slide_segmentation.layout import Layout
from bundle.slide_segmentation.plan import Plan, Settings, plan_from
from bundle.slides.grid import Box, Grid

LAYOUTS = st.builds(
    lambda size, window, share, tile, halo, block, corner: Layout(
        size, window, max(int(share * window), 1), tile, halo, block, corner
    ),
    st.tuples(st.integers(1, 120), st.integers(1, 120)),
    st.integers(1, 60),
    st.floats(0.2, 1),
    st.integers(1, 50),
    st.integers(0, 30),
    st.integers(1, 4),
    st.tuples(st.integers(0, 40), st.integers(0, 40)),
)


@settings(max_examples=50)
@given(LAYOUTS)
def test_every_pixel_is_in_one_tile_of_one_block(layout):
    owners = np.zeros(layout.size, int)
    for block in layout.blocks():
        inside = layout.block_box(block)
        for tile in layout.tiles_of(block):
            box = layout.tile_box(tile)
            assert box and box.within(inside) == box
            owners[box.slices(layout.box)] += 1
    assert (owners == 1).all()


@settings(max_examples=30)
@given(LAYOUTS, st.tuples(*[st.integers(0, 119)] * 4))
def test_windows_cover_the_grid_and_those_that_touch_a_box_are_found(layout, corners):
    rows, columns = layout.window_counts()
    boxes = {(row, column): layout.window_box((row, column)) for row in range(rows) for column in range(columns)}
    seen = np.zeros(layout.size, int)
    for box in boxes.values():
        assert box.within(layout.box)  # none lies beside the slide
        seen[box.within(layout.box).slices(layout.box)] += 1
    assert (seen > 0).all()
    left, right, top, bottom = (*sorted(corners[:2]), *sorted(corners[2:]))
    asked = Box(left, top, right + 1, bottom + 1).within(layout.box)
    if asked:
        rows_of, columns_of = layout.windows_touching(asked)
        found = {(row, column) for row in rows_of for column in columns_of}
        assert found == {place for place, box in boxes.items() if box.within(asked)}


def test_a_window_always_holds_more_of_the_slide_than_it_shares_with_the_one_before():
    for length in range(1, 200):
        layout = Layout((length, length), 32, 24, 10, 0, 1)
        last = layout.window_box((layout.window_counts()[0] - 1,) * 2)
        assert last.top == 0 or length - last.top > 8


def test_a_halo_shows_an_object_and_its_neighbours():
    grid = Grid.at((4000, 4000), 0.25, 0.5)
    layout = Settings(largest=10.0).layout(grid, 0.5, 6.0, HoverOutput(0.5, smoothing=0.25))
    assert layout.halo == 2 * 20 + 2 + 3 + 1  # two objects of 10 um, two Gaussians' 1 and 1.5 um, one px
    assert Settings().layout(grid, 0.5, 6.0, ClassOutput(0.5, reach=2.0)).halo == 2 * 48 + 4 + 3 + 1
    assert Settings().layout(grid, 0.5, None, ClassOutput(0.5, reach=2.0)).halo == 2 * 48 + 4 + 3 + 1
    assert (layout.window, layout.stride, layout.block) == (256, 192, 2)
    assert Settings(block=2049).layout(grid, 0.5, 6.0, HoverOutput()).block == 3


@pytest.mark.parametrize(
    ("name", "value"),
    [("window", 0), ("tile", 2.5), ("block", -1), ("batch", 0), ("overlap", 1), ("largest", 0), ("threads", 0)],
)
def test_settings_out_of_range_are_named(name, value):
    with pytest.raises(ValueError, match=f"{name} is {value}"):
        Settings(**{name: value})


@settings(max_examples=20)
@given(LAYOUTS, st.integers(0, 2**32))
def test_a_plan_survives_json(layout, seed):
    tissue = np.random.default_rng(seed).random(layout.window_counts()) < 0.4
    plan = Plan(Grid((300, 299), layout.size), layout, tissue, 0.25, 2, (3.5, 900.0), "abc", "flips", 8, 3)
    read = plan_from(json.loads(json.dumps(plan.as_json())))
    assert read == plan and np.array_equal(read.tissue, tissue)
    touched = {place for block in read.blocks() for place in read.windows_of(block)}
    assert touched == {tuple(place) for place in np.argwhere(tissue).tolist()}
