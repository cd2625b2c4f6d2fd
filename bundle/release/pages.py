# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The pages of the package: those about using it, without what they say of files that only the repository has.

In a page, `<!-- repository -->` and `<!-- /repository -->` stand around such words. Links to pages that stay behind
become their text.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import PurePosixPath

STAY = (  # about the research, the repository, and all weights that it ships
    *("docs/api", "docs/appendix", "docs/results.md", "docs/synthesis.md", "docs/reliability.md"),
    *("docs/performance.md", "docs/package.md", "docs/models.md"),
)
PAGES = (".md", ".ipynb")
PICTURES = (".png", ".gif", ".jpg")
MARKED = re.compile(r"[ \t]*<!-- repository -->.*?<!-- /repository -->", re.DOTALL)
LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)\s#]*)(#[^)\s]*)?\)")
TOO_MANY_LINES = re.compile(r"\n{3,}")


def page_for_package(text: str, name: str, packed: Collection[str]) -> str:
    """A page of Markdown, or a notebook of it, as the package holds it.

    Args:
        text: as the repository holds it.
        name: its path in the package, such as "docs/manual.md".
        packed: paths of all files of the package.
    """

    def link(found: re.Match[str]) -> str:
        target = found[3]
        there = not target or "://" in target or resolve(name, target) in packed
        return found[0] if there else found[2]

    return TOO_MANY_LINES.sub("\n\n", LINK.sub(link, MARKED.sub("", text)))


def shown_in(text: str, name: str) -> set[str]:
    """Paths of the files that a page links to, from the root of the package."""
    return {resolve(name, found[3]) for found in LINK.finditer(text) if found[3] and "://" not in found[3]}


def resolve(name: str, target: str) -> str:
    """The path, from the root, of what a page calls `target`."""
    parts: list[str] = []
    for part in (*PurePosixPath(name).parent.parts, *PurePosixPath(target).parts):
        if part == "..":
            del parts[-1:]
        elif part != ".":
            parts.append(part)
    return "/".join(parts)
