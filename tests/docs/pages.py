# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Reading the project's Markdown: its pages, prose, headings, links and commands."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from scripts.benchmarks.prose import LINK, lines

ROOT = Path(__file__).resolve().parents[2]
OWN = ("*.md", ".github/**/*.md", "docs/**/*.md", "tests/**/*.md")
PAGES = sorted({path for pattern in OWN for path in ROOT.glob(pattern)})


def name(path: Path) -> str:
    """Of a page, as a test's name."""
    return path.relative_to(ROOT).as_posix()


def blocks(text: str, *languages: str) -> list[str]:
    """The blocks of code in one of the languages."""
    found, inside = [], False
    for line, language in lines(text):
        if language in languages:
            found += [] if inside else [""]
            found[-1] += line + "\n"
        inside = language in languages
    return found


def anchors(text: str) -> set[str]:
    """What links may name after a #: headings, as GitHub makes them."""
    headings = [line.lstrip("#") for line, language in lines(text) if language is None and line.startswith("#")]
    plain = [re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).strip().lower() for heading in headings]
    return {re.sub(r"[^\w\- ]", "", heading).replace(" ", "-") for heading in plain}


def links(text: str) -> list[str]:
    """Targets of links and pictures that lead to files of this repository or to headings."""
    prose = "\n".join(line for line, language in lines(text) if language is None)
    return [target for target in LINK.findall(re.sub(r"`[^`]*`", "", prose)) if not re.match(r"\w+:", target)]


def commands(text: str) -> list[list[str]]:
    """The words of each command in blocks that are commands alone, or that show a session, continued lines joined."""
    found = []
    for block in blocks(text, "", "console"):
        for line in block.replace("\\\n", "").splitlines():
            line = line.strip().removeprefix("$ ")
            if re.match(r"(\S*/)?(python -m|points-to-nuclei|make|torchrun) ", line):
                found.append(shlex.split(line.split(" && ")[0].split(" > ")[0], comments=True))
    return found
