# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The small picture of a slide: dots that can be seen, and never so many that nothing else can."""

from __future__ import annotations

import numpy as np
import pytest

from bundle.slide_segmentation.overview import dots


def test_a_few_objects_get_dots_that_can_be_seen_also_at_the_edges():
    drawn = dots(np.array([[10, 20], [59, 0], [-1, 41]]), (40, 60), 2400)
    assert drawn.shape == (40, 60)
    assert drawn[18:23, 8:13].all()  # 5 x 5 px around x 10, y 20
    assert drawn[0, 59] and drawn[39, 0]
    assert drawn.sum() == 25 + 3 * 3 + 3 * 3


@pytest.mark.parametrize("count", [100, 1000, 20_000])
def test_many_objects_leave_the_picture_to_be_seen(count):
    places = np.random.default_rng(0).integers(0, 400, (count, 2))
    assert 0 < dots(places, (400, 400), 160_000).mean() < max(0.1, count / 160_000)


def test_no_object_gives_no_dot():
    assert not dots(np.zeros((0, 2), np.int64), (8, 6), 48).any()
