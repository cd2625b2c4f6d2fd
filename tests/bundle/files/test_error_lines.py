# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Errors are one line for whoever runs a configuration, whatever wrapped them, and a traceback for who asks for one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bundle.files.error_lines import explain, root_cause

ROOT = Path(__file__).resolve().parents[3]


def wrapped() -> RuntimeError:
    try:
        try:
            raise ValueError("a.png: no image")
        except ValueError as error:
            raise RuntimeError("Failed to evaluate ConfigExpression") from error
    except RuntimeError as error:
        return error


def test_the_first_error_of_a_chain_is_explained() -> None:
    assert explain(root_cause(wrapped())) == "a.png: no image"


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ValueError("a\nERROR forged\x1b[31m"), "a\n    ERROR forged\\x1b[31m"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), "not enough memory (Defa"),
        (RecursionError("maximum recursion depth"), "a file is nested too deeply"),
        (KeyError("x"), "KeyError: 'x' (unexpected; LOG_LEVEL=DEBUG shows where: please report it)"),
    ],
)
def test_every_error_has_a_line(error: Exception, line: str) -> None:
    assert explain(error).startswith(line)


@pytest.mark.slow
@pytest.mark.parametrize("level", ["INFO", "DEBUG"])
def test_a_configuration_that_fails_ends_in_one_line(tmp_path: Path, level: str) -> None:
    (tmp_path / "out").write_bytes(b"in the way")
    command = [sys.executable, "-m", "monai.bundle", "run", "--config_file", "configs/synthesize.yaml"]
    command += ["--dataset_dir", str(tmp_path), "--synthesis_dir", str(tmp_path), "--output_dir", str(tmp_path / "out")]
    env = {**os.environ, "LOG_LEVEL": level}
    ended = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    last = ended.stderr.strip().splitlines()[-1]
    assert ("Traceback" in ended.stderr) == (level == "DEBUG")
    assert level == "DEBUG" or (last.startswith("error: ") and str(tmp_path / "out") in last)
