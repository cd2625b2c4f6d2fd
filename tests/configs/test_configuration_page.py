# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""docs/configuration.md names every setting that is a plain value, with the default that the configurations have."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "configuration.md"
CONFIGS = sorted(path for path in (ROOT / "configs").iterdir() if path.suffix in (".json", ".yaml"))
OTHER = {("evaluate.yaml", "split"), ("evaluate.json", "split")}  # said in the row's text


def documented() -> dict[str, Any]:
    rows = re.findall(r"^\| `(\w+)` \| `(.*?)` \|", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {name: json.loads(value) for name, value in rows}


def plain_values(path: Path) -> dict[str, Any]:
    """Top-level ids that are numbers, words or lists of numbers, not expressions, references or components."""
    text = path.read_text(encoding="utf-8")
    content = json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)

    def plain(value: Any) -> bool:
        if isinstance(value, list):
            return all(isinstance(each, int | float) for each in value)
        return not isinstance(value, dict) and not str(value).startswith(("$", "@"))

    return {name: value for name, value in content.items() if name.isidentifier() and name[0] != "_" and plain(value)}


@pytest.mark.parametrize("path", [path for path in CONFIGS if path.name != "metadata.json"], ids=lambda path: path.name)
def test_every_plain_setting_stands_there_with_its_default(path: Path) -> None:
    values = {name: value for name, value in plain_values(path).items() if (path.name, name) not in OTHER}
    found = documented()
    assert {name: found.get(name, "not on the page") for name in values} == values


def test_the_page_names_no_setting_that_is_not_there() -> None:
    known = {name for path in CONFIGS for name in plain_values(path)}
    assert sorted(set(documented()) - known) == []
