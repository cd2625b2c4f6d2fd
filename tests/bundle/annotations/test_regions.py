# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Regions: told from cells by their class, cut at the image, joined where they touch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import shapely

from bundle.annotations.clicks import Clicks, Outline
from bundle.annotations.regions import REGION, covered, regions_within, split_regions

SIZE = (100, 200)  # H, W
CLICKS = Clicks(Path("a.geojson"), np.zeros((0, 2)), ())


@pytest.mark.parametrize(
    ("pattern", "names"),
    [(REGION, ["Region*", "region 2"]), ("tumour", ["Tumour"]), ("*", ["Region*", "region 2", "Tumour", None])],
)
def test_regions_are_told_by_their_class(pattern, names):
    outlines = [Outline(shapely.box(0, 0, 1, 1), name) for name in ("Region*", "region 2", "Tumour", None)]
    others, regions = split_regions(Clicks(Path("a"), np.zeros((0, 2)), (), tuple(outlines)), pattern)
    assert [region.name for region in regions] == names
    assert {*regions, *others.outlines} == {*outlines}


def test_they_are_joined_where_they_overlap_and_come_from_the_top(caplog):
    areas = [shapely.box(10, 50, 20, 60), shapely.box(60, 5, 80, 20), shapely.box(15, 55, 30, 65)]
    first, second = regions_within(CLICKS, [Outline(area) for area in areas], SIZE)
    assert first.equals(areas[1]) and second.area == 100 + 150 - 25
    assert not caplog.text


def test_what_lies_beyond_the_image_is_cut_off_and_said(caplog):
    (region,) = regions_within(CLICKS, [Outline(shapely.box(-10.5, -0.5, 9.5, 9.5))], SIZE)
    assert region.bounds == (-0.5, -0.5, 9.5, 9.5)
    assert "a.geojson: 50 % of the regions' area lies beyond the image" in caplog.text
    with pytest.raises(ValueError, match=r"a\.geojson: no region lies in the image of 200 x 100 px"):
        regions_within(CLICKS, [Outline(shapely.box(300, 0, 400, 50))], SIZE)


def test_points_in_regions():
    points = np.array([[5.0, 5], [10, 5], [50, 50], [100, 7]])
    regions = [shapely.box(0, 0, 10, 10), shapely.box(90, 0, 110, 10)]
    assert covered(points, regions).tolist() == [True, True, False, True]
    assert covered(np.zeros((0, 2)), regions).shape == (0,)
