# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""A page for each folder of code, for mkdocs: the names of its modules, whose docstrings mkdocstrings fills in."""

from __future__ import annotations

from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[2]
TOPS = ("transforms", "bundle", "scripts")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Called by mkdocs: add the pages to those of docs/api."""
    for folder in folders():
        name = ".".join(folder.relative_to(ROOT).parts)
        files.append(File.generated(config, f"{name}.md", content=page(folder, name)))
    return files


def folders() -> list[Path]:
    """Every folder that holds modules, in the order of the tree."""
    return [path for top in TOPS for path in [ROOT / top, *sorted((ROOT / top).rglob("*/"))] if any(path.glob("*.py"))]


def page(folder: Path, name: str) -> str:
    """Markdown that names the folder and each of its modules."""
    modules = [path.stem for path in sorted(folder.glob("*.py")) if not path.stem.startswith("_")]
    parts = [f"# {name}", f"::: {name}\n    options:\n      members: false\n      show_root_heading: false"]
    return "\n\n".join([*parts, *(f"::: {name}.{module}" for module in modules)]) + "\n"
