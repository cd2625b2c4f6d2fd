# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""From the file's numbers to px of the image: order, unit, scale, shift; and marks that cannot be of this image."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import shapely
import torch
from hypothesis import given
from hypothesis import strategies as st

from bundle.annotations.clicks import Clicks, Outline
from bundle.annotations.placement import Placement, refuse_misplaced, warn_of_corner
from transforms.resample import resample_points

SIZE = (40, 100)  # H, W


def clicks(points, **more):
    points = np.array(points, np.float64).reshape(-1, 2)
    return Clicks(Path("a.csv"), points, (None,) * len(points), **more)


def test_by_hand():
    points = np.array([[3.0, 7.0]])
    assert Placement().place(points).tolist() == [[3, 7]]
    assert Placement(swap=True).place(points).tolist() == [[7, 3]]
    assert Placement(unit=0.25).place(points).tolist() == [[12, 28]]  # um; 0 is the centre of the first pixel
    assert Placement(scale=2).place(points).tolist() == [[6.5, 14.5]]  # a pixel of the copy is 2 x 2 px: 6 and 7
    assert Placement(shift=-0.5).place(points).tolist() == [[2.5, 6.5]]
    assert Placement(swap=True, unit=0.5, scale=4, shift=1).place(points).tolist() == [[58.5, 26.5]]


@given(st.integers(2, 8), st.lists(st.tuples(*[st.floats(0, 50)] * 2), min_size=1, max_size=5))
def test_clicks_on_a_smaller_copy_lie_where_resampling_puts_them(scale, points):
    moved = resample_points(torch.tensor(points, dtype=torch.float64), (60, 60), (60 * scale, 60 * scale))
    np.testing.assert_allclose(Placement(scale=scale).place(np.array(points)), moved, atol=1e-9)


def test_outlines_and_the_stated_size_move_along():
    moved = Placement(scale=2)(clicks([[0, 0]], outlines=(Outline(shapely.box(-0.5, -0.5, 4.5, 9.5), "a"),), size=SIZE))
    assert moved.outlines[0].area.bounds == (-0.5, -0.5, 9.5, 19.5) and moved.outlines[0].name == "a"
    assert moved.size == (80, 200)


@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf"), "2", True])
def test_numbers_must_make_sense(value):
    for name in ("unit", "scale"):
        with pytest.raises(ValueError, match=f"{name} is "):
            Placement(**{name: value})


def test_a_shift_is_a_number():
    with pytest.raises(ValueError, match="shift is 'half'"):
        Placement(shift="half")


def test_points_up_to_the_edges_belong_to_the_image():
    refuse_misplaced(clicks([[-0.5, -0.5], [99.49, 39.49]]), SIZE)
    refuse_misplaced(clicks([]), SIZE)


@pytest.mark.parametrize(
    ("points", "count", "mend"),
    [
        ([[1, 2], [30, 90], [5, 50]], "2 of 3", "first x=30, y=90: with x and y exchanged all lie inside"),
        ([[1, 2], [150, 160]], "1 of 2", "first x=150, y=160: are these clicks of this very image"),
        ([[1, 2], [150, 160]], "1 of 2", "--scale says how many times larger the image is (at most 0.25"),
        (
            [[1, -3]],
            "1 of 1",
            "first x=1, y=-3: are these clicks of this very image, measured from its top left corner",
        ),
        ([[99.5, 3]], "1 of 1", "first x=99.5, y=3"),
        ([[99.4999999, 3]], "1 of 1", "first x=99.5, y=3"),  # as the points file would hold it
    ],
)
def test_points_beyond_the_image_are_an_error_that_names_count_first_and_mend(points, count, mend):
    with pytest.raises(ValueError) as caught:
        refuse_misplaced(clicks(points), SIZE)
    assert f"a.csv: {count} points lie beyond the image of 100 x 40 px, " in str(caught.value)
    assert mend in str(caught.value)


def test_a_file_for_an_image_of_another_size_is_an_error():
    refuse_misplaced(clicks([], size=(40, 101)), SIZE)  # rounding of a copy
    with pytest.raises(ValueError, match=r"a\.csv: is for an image of 50 x 20 px, but a has 100 x 40: .* \(2\?\)"):
        refuse_misplaced(clicks([], size=(20, 50), image="a"), SIZE)


def test_many_points_in_one_corner_are_warned_of(caplog):
    points = np.stack([np.linspace(0, 49, 20), np.linspace(0, 19, 20)], 1)
    warn_of_corner(clicks(points[1:]), SIZE)
    warn_of_corner(clicks([*points, [60, 1]]), SIZE)
    assert not caplog.text
    warn_of_corner(clicks(points), SIZE)
    assert "a.csv: all 20 points lie in the top left quarter" in caplog.text
