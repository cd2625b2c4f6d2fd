# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Several data sets on a command line: what is understood, and what each mistake is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from bundle.data.diameters import Diameter
from bundle.data.sources import Source, parse_sources


def test_each_has_its_own() -> None:
    assert parse_sources("a, b", "0.25,0.5", "6,24px", "0.7,0.3") == [
        Source(Path("a"), 0.25, Diameter(6.0), 0.7),
        Source(Path("b"), 0.5, Diameter(24.0, "px"), 0.3),
    ]


def test_one_value_is_for_all_and_an_empty_place_for_what_tags_say() -> None:
    first, second, third = parse_sources("a,b,c", "0.25,,0.5", "8")
    assert (first.mpp, second.mpp, third.mpp) == (0.25, None, 0.5)
    assert {each.diameter for each in (first, second, third)} == {Diameter(8.0)}
    assert first.share is None


def test_thirds_may_be_rounded() -> None:
    assert [each.share for each in parse_sources("a,b,c", share="0.33,.33,.33")] == [0.33] * 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dataset_dirs": "a,"}, "name different folders"),
        ({"dataset_dirs": "a,./a"}, "name different folders"),
        ({"mpp": "0.25,0.5,1"}, "3 values for 2 data sets"),
        ({"mpp": "0.25,x"}, "mpp holds 'x'"),
        ({"mpp": "250,0.5"}, "um \\(not nm\\)"),
        ({"diameter": "6,8,9"}, "3 values for 2"),
        ({"diameter": "6,big"}, "diameter is 'big'"),
        ({"share": "0.5"}, "give 2 numbers"),
        ({"share": "0.5,0.3"}, "sums to 0.8"),
        ({"share": "0.7,0.7"}, "sums to 1.4"),
        ({"share": "1.2,-0.2"}, "above 0"),
        ({"share": "1,"}, "give 2 numbers"),
        ({"share": "nan,1"}, "above 0"),
    ],
)
def test_mistakes_are_named(options: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_sources(**{"dataset_dirs": "a,b", **options})
