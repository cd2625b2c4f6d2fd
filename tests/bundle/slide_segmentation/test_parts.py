# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Any part of a slide has the objects that its blocks hold there, from the windows that decide them and no others."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch

from bundle.inference.outputs import ClassOutput
from bundle.slide_segmentation.block import cached_segmenter, model_identity, segment_block
from bundle.slide_segmentation.objects import joined_objects, read_objects
from bundle.slide_segmentation.parts import SeenWindows, deciding, segment_box
from bundle.slide_segmentation.plan import Plan, Settings, reach_um
from bundle.slides.grid import Box
from bundle.slides.reader import Slide


def plan_of(bench) -> Plan:
    settings = Settings(window=64, tile=96, block=96, largest=12.0)
    segmenter = cached_segmenter(str(bench.model), model_identity(bench.model), "none", "cpu")
    with Slide(bench.slide) as slide:
        grid = slide.grid(segmenter.mpp)
        layout = settings.layout(grid, segmenter.mpp, None, segmenter.output)
        tissue = np.ones(layout.window_counts(), bool)
        return Plan(grid, layout, tissue, slide.mpp, None, slide.window, model_identity(bench.model))


def described(objects, keep=None) -> list[tuple]:
    """Each object by its box, area, sums, confidence and pixels, in an order of their own."""
    rows = range(len(objects)) if keep is None else np.flatnonzero(keep)
    return sorted(
        (*objects.box[row], objects.area[row], *objects.sums[row], objects.confidence[row], objects.mask(row).tobytes())
        for row in rows
    )


@pytest.fixture
def whole(bench):
    """All objects, as the blocks of `segment slide` hold them."""
    plan = plan_of(bench)
    blocks = [segment_block(str(bench.slide), str(bench.model), plan, block) for block in plan.blocks()]
    return joined_objects([read_objects(io.BytesIO(content)) for content in blocks])


BOXES = [Box(0, 0, 304, 256), Box(40, 30, 41, 31), Box(100, 90, 203, 170), Box(96, 96, 192, 192), Box(250, 0, 304, 256)]


@pytest.mark.parametrize("box", BOXES)
def test_a_part_has_the_objects_of_the_blocks_bit_by_bit(bench, whole, box):
    plan = plan_of(bench)
    segmenter = cached_segmenter(str(bench.model), plan.weights, "none", "cpu")
    with Slide(bench.slide) as slide:
        found = segment_box(slide, segmenter, plan, box, SeenWindows())
    finer = 2  # px of outlines per px of the grid
    x, y = np.floor(whole.centres / finer + 0.25 + 0.5).T  # far from the border of the box both grids agree
    safe = Box(*(np.array(box) + (2, 2, -2, -2))).within(plan.grid.box)
    inside = (safe.left <= x) & (x < safe.right) & (safe.top <= y) & (y < safe.bottom)
    assert {*described(whole, inside)} <= {*described(found)} <= {*described(whole)}
    assert len(found) >= inside.sum() and (box.area < 10_000 or inside.sum() > 5)


def test_windows_are_added_only_where_foreground_goes_on(bench):
    """What is needed is counted by hand: the windows that touch the part, and those that its objects reach into."""
    plan = plan_of(bench)
    segmenter = cached_segmenter(str(bench.model), plan.weights, "none", "cpu")
    box = Box(60, 60, 130, 120)
    seen = SeenWindows()
    with Slide(bench.slide) as slide:
        segment_box(slide, segmenter, plan, box, seen)
    shown, touching, most = {*seen._kept}, {*plan.windows_on(box)}, {*plan.windows_on(plan.layout.shown(box))}
    assert touching <= shown <= most and len(shown) < len(most)


def test_nothing_is_added_on_glass(benches, tmp_path):
    bench = benches.make(tmp_path, count=0)
    plan = plan_of(bench)
    segmenter = cached_segmenter(str(bench.model), plan.weights, "none", "cpu")
    seen = SeenWindows()
    with Slide(bench.slide) as slide:
        assert len(segment_box(slide, segmenter, plan, Box(60, 60, 130, 120), seen)) == 0
    assert {*seen._kept} == {*plan.windows_on(Box(60, 60, 130, 120))}


def test_what_decides_the_objects_of_a_part():
    foreground = np.zeros((20, 30), bool)
    foreground[4:8, 8:14] = True  # reaches into the part
    foreground[4:8, 15:17] = True  # two px beside it
    foreground[15:18, 25:28] = True  # far away
    needed = deciding(foreground, (slice(0, 10), slice(0, 10)), reach=2)
    expected = np.zeros_like(needed)
    expected[0:10, 0:10] = True
    expected[2:10, 6:19] = True  # both, and two px around them
    assert (needed == expected).all()


def test_a_piece_that_bends_around_a_corner_of_the_part_belongs_to_it():
    foreground = np.zeros((20, 20), bool)
    foreground[2:14, 12] = foreground[13, 2:13] = True  # its box holds the part's corner, none of its pixels the part
    assert deciding(foreground, (slice(5, 12), slice(5, 12)), reach=1)[2, 13]


def test_windows_that_were_seen_are_remembered_up_to_a_number():
    asked = []

    def predict(places):
        asked.append(list(places))
        return [(place, torch.full((3, 1, 1), float(place[1]))) for place in places]

    seen = SeenWindows(most=2)
    assert {*seen.maps([(0, 0), (0, 1)], predict)} == {(0, 0), (0, 1)}
    found = seen.maps([(0, 1), (0, 2), (0, 3)], predict)
    assert [float(found[0, column][0, 0, 0]) for column in (1, 2, 3)] == [1, 2, 3]
    seen.maps([(0, 2), (0, 3), (0, 0)], predict)
    assert asked == [[(0, 0), (0, 1)], [(0, 2), (0, 3)], [(0, 0)]]


def test_growth_of_classes_is_within_the_reach():
    assert reach_um(ClassOutput(mpp=0.5, reach=1.5, outline_smoothing=0.25)) == 1.5 + 0.75
