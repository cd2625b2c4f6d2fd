# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Clicks against objects, worked by hand."""

from __future__ import annotations

import torch

from bundle.click_page.clicks.points_table import Columns, Point
from bundle.click_page.work.agreement import compare_with_clicks, worth_a_look
from bundle.click_page.work.findings import Found
from bundle.inference.segmenter import Segmentation
from bundle.label_server.images import objects_of_label
from bundle.slides.grid import Box


def found(box: Box | None = None, mpp: float | None = None) -> Found:
    """Three squares of 10 px with their centres at 9.5, 29.5 and 49.5 along x; the second is doubtful."""
    label, probability = torch.zeros(1, 20, 60, dtype=torch.int32), torch.full((1, 20, 60), 0.9)
    for number in range(3):
        label[0, 5:15, 5 + 20 * number : 15 + 20 * number] = number + 1
    probability[0, :, 20:40] = 0.6
    return Found.of(list(objects_of_label(Segmentation(label, probability), mpp, [])), box, mpp)


def clicks(*places: tuple[float, float]) -> dict[int, Point]:
    return {number: Columns().point(*place) for number, place in enumerate(places, start=1)}


def test_centres_count_from_the_first_pixels_centre() -> None:
    assert found().centres.tolist() == [[9.5, 9.5], [29.5, 9.5], [49.5, 9.5]]


def test_each_click_means_one_object() -> None:
    fit = compare_with_clicks(found(), clicks((9, 9), (11, 12), (50, 10), (40, 2)))
    assert fit.unclicked == (1,)
    assert fit.crowded == (0,)
    assert fit.lonely == (4,)


def test_a_click_just_beside_an_object_still_means_it() -> None:
    beside, far = (14.5 + 1.9, 9.0), (14.5 + 2.1, 9.0)  # 2 px are in reach where um are unknown
    assert compare_with_clicks(found(), clicks(beside)).lonely == ()
    assert compare_with_clicks(found(), clicks(far)).lonely == (1,)
    assert compare_with_clicks(found(mpp=0.25), clicks(far)).lonely == ()  # 1 um are 4 px


def test_without_clicks_or_objects() -> None:
    assert compare_with_clicks(found(), {}).unclicked == (0, 1, 2)
    nothing = Found.of([], None, None)
    assert compare_with_clicks(nothing, clicks((3, 3))).lonely == (1,)
    assert nothing.doubt() == 0
    assert worth_a_look(nothing, {}, compare_with_clicks(nothing, {})) == []


def test_clicks_outside_what_was_looked_through_are_not_lonely() -> None:
    assert compare_with_clicks(found(Box(0, 0, 60, 20)), clicks((40, 2), (40, 200))).lonely == (1,)


def test_places_come_most_telling_first() -> None:
    points = clicks((9, 9), (11, 12), (40, 2))
    places = worth_a_look(found(), points, compare_with_clicks(found(), points))
    assert [(place.x, place.y) for place in places] == [(40, 2), (9.5, 9.5), (29.5, 9.5)]
    assert "unsure (0.60)" in places[2].why


def test_doubt_is_what_is_missing_to_certainty() -> None:
    assert abs(found().doubt() - (0.1 + 0.4 + 0.1) / 3) < 1e-6
