# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Who may import whom: `scripts -> bundle -> transforms`, and inside `bundle` only rooms above one's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.benchmarks.layout import (
    figures,
    floor,
    homes_of_shared_names,
    imported,
    imports_up,
    modules,
    modules_by_folder,
    parameters,
)

ROOT = Path(__file__).resolve().parents[1]
RESEARCH = ("scripts/experiments", "scripts/benchmarks", "scripts/reliability")
MOST_FILES = 25  # in one folder
MOST_PARAMETERS = 10  # of a function; more that travel together are a dataclass
# What may be called alike in several modules: the parts of readers of points, which do the same for their programs, and
# the function that a command line begins with.
SHARED_NAMES = {*{"_add", "_area", "_class", "_clicks", "_number", "_places", "_ring", "_size"}, "main"}


def test_every_module_stands_in_a_room_that_the_list_names() -> None:
    without = [path.as_posix() for path in modules(ROOT) if floor(path) is None]
    assert without == ["bundle/__init__.py"]


def test_no_import_runs_up() -> None:
    assert imports_up(ROOT) == []


def test_the_product_does_not_import_the_research() -> None:
    product = [path for path in modules(ROOT) if not path.as_posix().startswith(RESEARCH)]
    assert [
        str(path) for path in product for each in imported(ROOT, path) if each.as_posix().startswith(RESEARCH)
    ] == []


def test_folders_are_small_enough_to_be_looked_over() -> None:
    assert {folder: size for folder, size in modules_by_folder(ROOT).items() if size > MOST_FILES} == {}


def test_a_name_means_one_thing() -> None:
    twice = homes_of_shared_names(ROOT)
    assert {name: paths for name, paths in twice.items() if name not in SHARED_NAMES} == {}
    readers = [path for name in SHARED_NAMES - {"main"} for path in twice[name]]
    assert [path for path in readers if path.parent != Path("bundle/annotations/formats")] == []


def test_what_travels_together_is_one_parameter() -> None:
    assert parameters(ROOT)[-1] <= MOST_PARAMETERS


def test_the_figures_of_a_small_tree(tmp_path: Path) -> None:
    files = {
        "transforms/a.py": "def one(self, a, b):\n    pass\n\n\ndef two():\n    pass\n",
        "bundle/files/a.py": "from ..data.a import one\n\n\ndef one(a):\n    pass\n",
        "bundle/data/a.py": "from ..files.a import one\n",
        "scripts/a.py": "",
        "tests/test_a.py": "pass\npass\n",
        "README.md": "# A title\n\nOne two three. One `code` two\nthree four.\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert list(figures(tmp_path).values()) == [1, 1, 1, 2, 2, 12, 2, 4.0]
    with pytest.raises(FileNotFoundError, match="give the root"):
        figures(tmp_path / "docs")
