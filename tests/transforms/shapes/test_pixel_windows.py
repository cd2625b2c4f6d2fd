# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Windows of ellipses: which shapes are seen, and that their lines hold every pixel of the windows once."""

from __future__ import annotations

import pytest
import torch

import transforms.shapes.pixel_windows
from transforms.shapes.pixel_windows import centre_places, ellipse_windows, visible_shapes, window_lines

CIRCLE = [1.5, 1.5, 0.0]  # half axes of 1.5 px, no angle
SIZE = (6, 8)


def test_shapes_that_reach_in_are_sorted_by_crop_row_and_column():
    first = torch.tensor([[7.0, 5.0, *CIRCLE], [2.0, 5.2, *CIRCLE], [30.0, 3.0, *CIRCLE], [4.0, 0.0, *CIRCLE]])
    second = torch.tensor([[9.0, 22.0, *CIRCLE], [10.0, 20.0, *CIRCLE]])
    shapes, crop = visible_shapes([first, second], [(0, 0), (10, 20)], SIZE)
    assert crop.tolist() == [0, 0, 0, 1, 1]
    torch.testing.assert_close(shapes[:, :2].float(), torch.tensor([[4, 0], [2, 5.2], [7, 5], [0, 0], [-1, 2]]))
    assert shapes.dtype == torch.float64 and (shapes[:, 2:4] == 1.5).all()


def test_a_window_by_hand():
    first, last = ellipse_windows(torch.tensor([[2.0, 2.0, *CIRCLE], [0.0, 5.0, *CIRCLE]], dtype=torch.float64), SIZE)
    assert first.tolist() == [[1, 1], [0, 4]]
    assert last.tolist() == [[4, 4], [2, 6]]  # cut off at the left and below


@pytest.mark.parametrize("group", [1 << 21, 7])
def test_lines_hold_every_pixel_of_the_windows_once(monkeypatch, group):
    monkeypatch.setattr(transforms.shapes.pixel_windows, "PIXELS_AT_ONCE", group)
    random = torch.rand(9, 5, generator=torch.Generator().manual_seed(0)) * torch.tensor([8, 6, 3, 3, 3.1]) + 0.2
    shapes, crop = visible_shapes([random[:4], random[4:]], [(0, 0), (1, -1)], SIZE)
    first, last = ellipse_windows(shapes, SIZE)
    expected = [
        (owner, int(crop[owner]), x, y)
        for owner in range(len(shapes))
        for y in range(first[owner, 1], last[owner, 1])
        for x in range(first[owner, 0], last[owner, 0])
    ]
    found, groups = [], list(window_lines(shapes, crop, SIZE))
    for lines in groups:
        assert lines.pixels == lines.widths.sum() and lines.pixels <= group + max(lines.widths)
        line = torch.arange(len(lines.widths)).repeat_interleave(lines.widths)
        pixel = torch.arange(lines.pixels)
        to_x, to_place, owner = lines.offsets[:, line]
        place, x = pixel + to_place, pixel + to_x
        assert torch.equal(place % SIZE[1], x)
        y, number = place // SIZE[1] % SIZE[0], place // (SIZE[0] * SIZE[1])
        found += list(zip(owner.tolist(), number.tolist(), x.tolist(), y.tolist(), strict=True))
    assert found == expected and (len(groups) == 1) == (group > len(expected))


def test_terms_are_coordinates_in_the_frame_of_the_ellipse():
    """(4, 3) of an ellipse at (2.5, 2) that is turned by a right angle: along is down, across is to the left."""
    shapes = torch.tensor([[2.5, 2.0, 4.0, 2.0, torch.pi / 2]], dtype=torch.float64)
    [lines] = window_lines(shapes, torch.zeros(1, dtype=torch.int64), SIZE)
    centre, along_x, along_y, across_x, across_y = lines.terms[:, 3].tolist()  # the first line has y = 0
    assert (4 - centre) * along_x + along_y == pytest.approx(1 / 4)
    assert (4 - centre) * across_x + across_y == pytest.approx(-1.5 / 2)


def test_places_of_centres():
    shapes = torch.tensor([[3.4, 1.0, *CIRCLE], [-0.6, 2.0, *CIRCLE], [-0.5, 5.49, *CIRCLE]], dtype=torch.float64)
    places, owners = centre_places(shapes, torch.tensor([0, 1, 1]), SIZE)
    assert places.tolist() == [1 * 8 + 3, 48 + 5 * 8 + 0] and owners.tolist() == [0, 2]


def test_no_shapes_have_no_lines():
    shapes, crop = visible_shapes([torch.zeros(0, 5), torch.zeros(0, 5)], [(0, 0), (1, 1)], SIZE)
    assert shapes.shape == (0, 5) and list(window_lines(shapes, crop, SIZE)) == []
    assert centre_places(shapes, crop, SIZE).shape == (2, 0)
