# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The version has one place, configs/metadata.json; where people read it, it is the same."""

from __future__ import annotations

import json
import re
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
METADATA = json.loads((ROOT / "configs" / "metadata.json").read_text(encoding="utf-8"))


def test_the_citation_has_it() -> None:
    assert yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))["version"] == METADATA["version"]


def test_the_changelog_begins_with_it_and_has_all_others() -> None:
    headings = re.findall(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    released = [heading for heading in headings if heading != "Unreleased"]
    assert released == list(reversed(METADATA["changelog"])) and released[0] == METADATA["version"]


def test_it_stands_nowhere_else() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert not re.search(r"^version\s*=", text, re.MULTILINE) and '"version"' in text
