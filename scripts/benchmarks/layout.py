# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The layout of this repository, or of an earlier state of it, in figures: how easily one finds one's way."""

from __future__ import annotations

import ast
import logging
from collections import Counter, defaultdict
from pathlib import Path
from statistics import mean

from scripts.benchmarks.prose import sentences, words

logger = logging.getLogger(__name__)

TOPS = ("transforms", "bundle", "scripts")
ROOMS = (  # a module imports from rooms above its own alone
    "transforms",
    "bundle/files",
    "bundle/losses",
    "bundle/networks",
    "bundle/data",
    "bundle/simulation",
    "bundle/objects",
    "bundle/slides",
    "bundle/metrics",
    "bundle/annotations",
    "bundle/engines",
    "bundle/inference",
    "bundle/report",
    "bundle/pipeline",
    "bundle/slide_segmentation",
    "bundle/release",
    "bundle/label_server",
    "bundle/click_page",
    "bundle/nuclei.py",
    "scripts",
)
PAGES = ("README.md", "docs/**/*.md")
SHARE = 0.95  # of functions that have at most so many parameters


def layout(root: str = ".") -> None:
    """Say the figures of a state of the repository.

    Args:
        root: its folder.
    """
    for name, value in figures(Path(root)).items():
        logger.info("%-42s %s", name, f"{value:,.1f}" if isinstance(value, float) else f"{value:,}")


def figures(root: Path) -> dict[str, float]:
    """The figures by name.

    Raises:
        FileNotFoundError: the folder holds no modules of ours.
    """
    if not (paths := modules(root)):
        raise FileNotFoundError(f"{root}: holds no {', '.join(TOPS)}: give the root of the repository")
    counts, tests = parameters(root), sorted((root / "tests").rglob("*.py"))
    pages = sorted({page for pattern in PAGES for page in root.glob(pattern)})
    lengths = [words(each) for page in pages for each in sentences(page.read_text(encoding="utf-8"))]
    return {
        "modules in the fullest folder": max(modules_by_folder(root).values()),
        "imports that run up": len(imports_up(root)),
        "names defined in several modules": len(homes_of_shared_names(root)),
        f"parameters, of {SHARE:.0%} of functions at most": counts[int(SHARE * len(counts))],
        "parameters, the most": counts[-1],
        "lines of source": sum(map(_lines, (root / path for path in paths))),
        "lines of tests": sum(map(_lines, tests)),
        "words in a sentence of README and docs": mean(lengths),
    }


def modules(root: Path) -> list[Path]:
    """Every module of the product and of the research, relative to the root."""
    return [path.relative_to(root) for top in TOPS for path in sorted((root / top).rglob("*.py"))]


def modules_by_folder(root: Path) -> Counter[str]:
    """Folder -> how many modules it holds; `__init__.py` is none."""
    return Counter(path.parent.as_posix() for path in modules(root) if path.name != "__init__.py")


def floor(path: Path) -> int | None:
    """The place of a module's room in `ROOMS`; None: it stands in none."""
    parents = [path, *path.parents]
    return next((ROOMS.index(each.as_posix()) for each in parents if each.as_posix() in ROOMS), None)


def imported(root: Path, path: Path) -> list[Path]:
    """The modules of this repository that a module imports from, wherever in it the import stands."""
    found = []
    for node in ast.walk(_parsed(root / path)):
        if isinstance(node, ast.Import):
            found += [Path(*each.name.split(".")) for each in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = path.parts[: -node.level] if node.level else ()
            target = Path(*base, *(node.module or "").split("."))
            found += [target / each.name if (root / target).is_dir() else target for each in node.names]
    return [each.with_suffix(".py") if (root / each).with_suffix(".py").is_file() else each for each in found]


def imports_up(root: Path) -> list[str]:
    """Imports from a room below one's own; of modules that stand in no room, none."""
    pairs = [(path, target) for path in modules(root) if floor(path) is not None for target in imported(root, path)]
    return [f"{path} -> {target}" for path, target in pairs if (floor(target) or 0) > (floor(path) or 0)]


def homes_of_shared_names(root: Path) -> dict[str, list[Path]]:
    """Name of a function or class -> the modules that define it on their first level, where they are several."""
    homes: defaultdict[str, set[Path]] = defaultdict(set)
    for path in modules(root):
        for node in _parsed(root / path).body:
            if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                homes[node.name].add(path)
    return {name: sorted(paths) for name, paths in sorted(homes.items()) if len(paths) > 1}


def parameters(root: Path) -> list[int]:
    """How many parameters each function has, fewest first; `self` and `cls` do not count, nor does `__init__`."""
    found = []
    for path in modules(root):
        for node in ast.walk(_parsed(root / path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name != "__init__":
                every = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
                found.append(sum(each.arg not in ("self", "cls") for each in every))
    return sorted(found)


def _parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _lines(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())
