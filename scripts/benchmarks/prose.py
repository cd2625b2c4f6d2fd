# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Markdown as a reader has it: lines of prose and of code, and the sentences of the prose."""

from __future__ import annotations

import re
from collections.abc import Iterator

FENCE = re.compile(r"^ *```(\w*)[^`]*$")
LINK = re.compile(r"\[(?:[^\]\[]|\[[^\]]*\])*\]\(([^)\s]+)\)")


def lines(text: str) -> Iterator[tuple[str, str | None]]:
    """Each line and the language of the block of code that it stands in; None outside, "" where it states none."""
    language: str | None = None
    for line in text.splitlines():
        fence = FENCE.match(line)
        yield line, language if fence is None else "fence"
        if fence:
            language = fence[1] if language is None else None


def sentences(text: str) -> list[str]:
    """Sentences of the prose: no code, tables, headings or pictures; an item of a list ends one."""
    parts = [""]
    for line, language in lines(re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL)):
        line = line.strip()
        if language is not None or not line or line.startswith(("|", "#", "![")):
            parts.append("")
        elif item := re.match(r"(?:[-*>]|\d+\.) +", line):
            parts.append(line[item.end() :])
        else:
            parts[-1] += " " + line
    prose = [LINK.sub("link", re.sub(r"`[^`]*`", "code", part)) for part in parts]
    return [each for part in prose for each in re.split(r"(?<=[.!?])[*)]* +", part.strip()) if each]


def words(sentence: str) -> int:
    """How many words a sentence has; numbers count."""
    return len(re.findall(r"\w[\w'’./-]*", sentence))
