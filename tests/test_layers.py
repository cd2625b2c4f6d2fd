# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Who may import whom: `scripts -> bundle -> transforms`, and inside `bundle` only rooms above one's own."""

from __future__ import annotations

import ast
from collections import Counter, defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ROOMS = (
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
RESEARCH = ("scripts/experiments", "scripts/benchmarks", "scripts/reliability")
MOST_FILES = 25  # in one folder
# What may be called alike in several modules: the parts of readers of points, which do the same for their programs, and
# the function that a command line begins with.
SHARED_NAMES = {*{"_add", "_area", "_class", "_clicks", "_number", "_places", "_ring", "_size"}, "main"}


def modules() -> list[Path]:
    """Every module of the product and of the research, relative to the root."""
    return [
        path.relative_to(ROOT) for top in ("transforms", "bundle", "scripts") for path in (ROOT / top).rglob("*.py")
    ]


def floor(path: Path) -> int | None:
    """The place of a module's room in `ROOMS`."""
    parents = [path, *path.parents]
    return next((ROOMS.index(each.as_posix()) for each in parents if each.as_posix() in ROOMS), None)


def imported(path: Path) -> list[Path]:
    """The modules of this repository that a module imports from, wherever in it the import stands."""
    found = []
    for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [Path(*each.name.split(".")) for each in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = path.parts[: -node.level] if node.level else ()
            target = Path(*base, *(node.module or "").split("."))
            found += [target / each.name if (ROOT / target).is_dir() else target for each in node.names]
    return [each.with_suffix(".py") if (ROOT / each).with_suffix(".py").is_file() else each for each in found]


def test_every_module_stands_in_a_room_that_the_list_names() -> None:
    assert [str(path) for path in modules() if floor(path) is None and path.as_posix() != "bundle/__init__.py"] == []


def test_no_import_runs_up() -> None:
    pairs = [(path, target) for path in modules() for target in imported(path) if floor(path) is not None]
    up = [f"{path} -> {target}" for path, target in pairs if (floor(target) or 0) > (floor(path) or 0)]
    assert up == []


def test_the_product_does_not_import_the_research() -> None:
    product = [path for path in modules() if not path.as_posix().startswith(RESEARCH)]
    assert [str(path) for path in product for each in imported(path) if each.as_posix().startswith(RESEARCH)] == []


def test_folders_are_small_enough_to_be_looked_over() -> None:
    sizes = Counter(path.parent for path in modules() if path.name != "__init__.py")
    assert {str(folder): size for folder, size in sizes.items() if size > MOST_FILES} == {}


def test_a_name_means_one_thing() -> None:
    homes: defaultdict[str, set[str]] = defaultdict(set)
    for path in modules():
        for node in ast.parse((ROOT / path).read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                homes[node.name].add(path.as_posix())
    twice = {name: sorted(paths) for name, paths in homes.items() if len(paths) > 1}
    assert {name: paths for name, paths in twice.items() if name not in SHARED_NAMES} == {}
    readers = [path for name in SHARED_NAMES - {"main"} for path in homes[name]]
    assert [path for path in readers if Path(path).parent != Path("bundle/annotations/formats")] == []
