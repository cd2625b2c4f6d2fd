# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Every page in Markdown: short lines, short sentences, links that lead somewhere."""

from __future__ import annotations

import statistics
from pathlib import Path

import pytest

from scripts.benchmarks.prose import LINK, lines, sentences, words

from .pages import PAGES, ROOT, anchors, links, name

LONGEST_LINE = 120  # characters; a table's row cannot be broken, and what a program printed is left as it was
LONGEST_MEAN = 25  # words of a sentence, on average over a page


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_lines_are_short(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    prose = [line for line, language in lines(text) if language != "console" and not line.lstrip().startswith("|")]
    assert [line for line in prose if len(line) > LONGEST_LINE] == []


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_sentences_are_short_on_average(page: Path) -> None:
    lengths = [words(sentence) for sentence in sentences(page.read_text(encoding="utf-8"))]
    assert statistics.mean(lengths or [0]) <= LONGEST_MEAN


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_to_files_and_headings_that_exist(page: Path) -> None:
    broken = []
    for link in links(page.read_text(encoding="utf-8")):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        inside = target.is_relative_to(ROOT) and target.exists()
        if not inside or anchor and anchor not in anchors(target.read_text(encoding="utf-8")):
            broken.append(link)
    assert broken == []


def test_there_are_pages_links_and_sentences_to_look_at() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert ROOT / "README.md" in PAGES and ROOT / "docs" / "results.md" in PAGES
    assert len(links(readme)) > 10 and len(sentences(readme)) > 20


def test_how_pages_are_read() -> None:
    text = "# A `b` c: d?\nOne two. [x](y.md#z) three\nfour.\n- item\n\n```\n[no](link)\n```\n![p](q.png)\n| a. b. |\n"
    assert anchors(text) == {"a-b-c-d"}
    assert links(text) == ["y.md#z", "q.png"]
    assert [words(each) for each in sentences(text)] == [2, 3, 1]
    assert [language for _, language in lines("a\n```sh\nb\n```\nc")] == [None, "fence", "sh", "fence", None]
    assert LINK.findall("[![in](a.png)](b.md)") == ["b.md"]
