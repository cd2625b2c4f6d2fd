# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Fields of requests: as numbers, as text, as lists of choices, left out, and of no use."""

from __future__ import annotations

import math

import pytest

from bundle.label_server import fields
from bundle.slides.grid import Box


def test_numbers_come_as_numbers_and_as_text():
    request = {"a": 0.25, "b": "0.25", "c": "", "d": None}
    assert [fields.positive_number(request, name) for name in "abcde"] == [0.25, 0.25, None, None, None]


@pytest.mark.parametrize("value", [0, -1, "zero", math.nan, "inf", True, [1], {}])
def test_what_is_no_positive_number_is_refused_by_name(value):
    with pytest.raises(ValueError, match="mpp is .*: give a positive number"):
        fields.positive_number({"mpp": value}, "mpp")


def test_counts_are_whole():
    assert fields.count({"n": "3"}, "n") == 3 and fields.count({}, "n") is None
    with pytest.raises(ValueError, match=r"n is 1\.5: give a whole number"):
        fields.count({"n": 1.5}, "n")


def test_text_and_the_first_of_the_choices_that_were_offered():
    request = {"a": " cpu ", "b": ["cpu", "cuda"], "c": [], "d": "", "e": 8}
    assert [fields.text(request, name, "auto") for name in "abcdef"] == ["cpu", "cpu", "auto", "auto", "8", "auto"]
    with pytest.raises(ValueError, match="device is .*: give text"):
        fields.text({"device": {}}, "device")


@pytest.mark.parametrize(("value", "meant"), [(True, True), ("False", False), ("", True), ("true", True)])
def test_flags(value, meant):
    assert fields.flag({"on": value}, "on", default=True) is meant


@pytest.mark.parametrize("value", ["yes", 2, None, []])
def test_what_is_no_flag_is_refused(value):
    with pytest.raises(ValueError, match="on is .*: give true or false"):
        fields.flag({"on": value}, "on")


WHOLE = [
    {},
    {"location": [0, 0], "size": [0, 0]},  # QuPath, of a PNG
    {"location": [-1, -1], "size": [-1, -1]},  # DSA, without a region
    {"location": None, "size": None},
    {"location": [0, 0], "size": [0, 0], "wsi_tiles": []},
]


@pytest.mark.parametrize("request_", WHOLE)
def test_what_clients_send_for_the_whole_image(request_):
    assert fields.regions(request_) == []


def test_a_region_and_several():
    one = {"location": [10, 20], "size": [30, 40]}
    assert fields.regions(one) == [Box(10, 20, 40, 60)]
    tiles = [{"location": [0, 0], "size": [5, 6]}, {"location": [7.0, 8.0], "size": (2, 2)}]
    assert fields.regions({**one, "wsi_tiles": tiles}) == [Box(0, 0, 5, 6), Box(7, 8, 9, 10)]


@pytest.mark.parametrize(
    "request_",
    [
        {"location": "ab", "size": [1, 1]},
        {"location": [0, 0], "size": [1]},
        {"location": [0, math.nan], "size": [1, 1]},
        {"location": [0, "0"], "size": [1, 1]},
        {"location": [0, 0], "size": [1, 1, 1]},
        {"wsi_tiles": "all"},
        {"wsi_tiles": [[0, 0, 5, 5]]},
    ],
)
def test_what_is_no_region_is_refused(request_):
    with pytest.raises(ValueError, match="location|size|wsi_tiles"):
        fields.regions(request_)


def test_a_range_of_intensities_comes_as_a_list_or_as_text():
    assert fields.window({"intensity": "100,4095"}, "intensity") == (100, 4095)
    assert fields.window({"intensity": [100, 4095]}, "intensity") == (100, 4095)
    assert fields.window({"intensity": ""}, "intensity") is None and fields.window({}, "intensity") is None
    for wrong in ("100", [5, 1], True, ["a", "b"]):
        with pytest.raises(ValueError, match="intensity"):
            fields.window({"intensity": wrong}, "intensity")
