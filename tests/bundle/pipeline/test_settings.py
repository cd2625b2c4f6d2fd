# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Overrides as users write them, and paths that come through MONAI's parser as they went in."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from monai.bundle import ConfigParser

from bundle.pipeline.settings import check_overrides, flatten, overrides_of, parse_overrides, path_expression, reachable

TRICKY = [
    "a#b",
    "$HOME",
    "@dataset_dir",
    "%macro",
    "%x.yaml::y",
    "with space",
    "import os",
    "quo'te\"s",
    "back\\slash",
    "ünï",
    "a::b",
    "\n",
]


def through_parser(path: str) -> tuple[str, str]:
    """A path given as `dataset_dir`, as a reference and as part of another expression see it."""
    parser = ConfigParser(
        {"dataset_dir": "default", "component": {"folder": "@dataset_dir"}, "images": "$@dataset_dir + '/x'"}
    )
    parser.update({"dataset_dir": path_expression(path)})
    return parser.get_parsed_content("component")["folder"], parser.get_parsed_content("images")


@pytest.mark.parametrize("name", TRICKY)
def test_tricky_names_come_through_unchanged(name: str) -> None:
    expected = os.path.abspath(f"/data/{name}")
    assert through_parser(f"/data/{name}") == (expected, expected + "/x")


@given(st.text(st.characters(exclude_characters="\0"), min_size=1))
def test_any_name_comes_through_unchanged(name: str) -> None:
    assert through_parser(f"/data/{name}")[0] == os.path.abspath(f"/data/{name}")


def test_names_that_are_not_utf8_come_through(tmp_path: Path) -> None:
    name = os.fsdecode(b"/data/\xff\xfe")
    assert through_parser(name)[0] == name


def test_relative_paths_become_absolute() -> None:
    assert through_parser("x")[0] == os.path.join(os.getcwd(), "x")


def test_overrides_are_read_as_json_then_python_then_text() -> None:
    text = "a=3; b::c = [1, 2] ;d#e=1e-4; f=True; g=null; h=None; synthesis/i=two words; j=k=v;"
    expected = {
        "a": 3,
        "b::c": [1, 2],
        "d::e": 1e-4,
        "f": True,
        "g": None,
        "h": None,
        "synthesis/i": "two words",
        "j": "k=v",
    }
    assert parse_overrides(text) == expected
    assert parse_overrides("") == {}


@pytest.mark.parametrize("text", ["a", "=3", "a=1; b"])
def test_what_is_no_assignment_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not of the form id=value"):
        parse_overrides(text)


def test_overrides_go_to_the_stages_they_concern() -> None:
    config = {"width": 1, "net": {"depth": 2}}
    overrides = {"width": 3, "one/net::depth": 4, "two/width": 5, "rate": 6}
    assert overrides_of("one", overrides, config) == {"width": 3, "net::depth": 4}
    assert overrides_of("two", overrides, config) == {"width": 5}


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("widht", "no configuration has this id; did you mean width"),
        ("three/width", "there is no stage 'three', only one"),
        ("output_dir", "the pipeline sets output_dir itself"),
        ("one/device", "the pipeline sets device itself"),
    ],
)
def test_overrides_that_nothing_takes_are_refused(name: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check_overrides({name: 1}, {"one": {"width": 1}})


def test_flatten_gives_the_ids_of_bundle_run() -> None:
    config = {"a": {"b": [1, {"c": 2}], "empty": {}}, "d": None}
    flat = flatten(config)
    assert flat == {"a::b::0": 1, "a::b::1::c": 2, "a::empty": {}, "d": None}
    assert all(ConfigParser(config)[name] == value for name, value in flat.items())


def test_ids_that_a_stage_refers_to_are_its_own():
    config = {"a": "@b", "b": {"x": ["$f(@c) + @c::d", 3]}, "c": {"d": 1}, "other": "@a", "e": "@missing"}
    assert reachable(config, ["a"]) == {"a", "b", "c"}
    assert reachable(config, ["e", "unknown"]) == {"e", "unknown"}
