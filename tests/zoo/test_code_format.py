# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The code of the package, laid into folders as the Model Zoo has them, passes the Zoo's `runtests.sh --codeformat`.

Options are those of the Zoo's setup.cfg and pyproject.toml. There, the folders of a bundle are third party to isort.
"""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bundle.release.zip_file import NAME, bundle_files

ROOT = Path(__file__).resolve().parents[2]
FLAKE8 = [
    "--select=B,C,E,F,N,P,T4,W,B9",
    "--ignore=E203,E501,E741,W503,W504,C408,N812,B023",
    "--max-line-length=120",
    "--per-file-ignores=__init__.py:F401,__main__.py:F401",
]
PYTHONS = [f"--target-version=py3{minor}" for minor in (7, 8, 9)]
CHECKS = {
    "isort": ["--check", "--profile=black", "--line-length=120", "--project=models"],
    "black": ["--check", "--line-length=120", "--skip-magic-trailing-comma", *PYTHONS],
    "flake8": FLAKE8,
}
PLUGINS = ("bugbear", "flake8_comprehensions", "flake8_executable", "pep8ext_naming")


def missing(tool):
    """The parts of a tool that are not installed."""
    parts = (tool, *PLUGINS) if tool == "flake8" else (tool,)
    return [part for part in parts if importlib.util.find_spec(part) is None]


@pytest.fixture(scope="module")
def zoo(tmp_path_factory):
    """A folder like the Zoo's root, with the code of the package and the unit test that comes with it."""
    root = tmp_path_factory.mktemp("zoo")
    files = {f"models/{NAME}/{name}": path for name, path in bundle_files(ROOT) if path.suffix == ".py"}
    files[f"ci/unit_tests/test_{NAME}.py"] = ROOT / "tests" / "zoo" / "unit_test.py"
    for name, path in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, root / name)
    return root


def check(tool, folder):
    """Exit status of a tool, and all that it said."""
    command = [sys.executable, "-m", tool, *CHECKS[tool], "."]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("tool", CHECKS)
def test_the_zoos_tool_has_no_findings_in_the_package(tool, zoo, tmp_path):
    if parts := missing(tool):
        pytest.skip(f"not installed: {', '.join(parts)} (pip install -r requirements-dev.txt)")
    status, said = check(tool, zoo)
    assert status == 0, said[-5000:]
    (tmp_path / "wrong.py").write_text("import torch\nimport os\nx = f\"'{os}'\"  \n")
    assert check(tool, tmp_path)[0] == 1
