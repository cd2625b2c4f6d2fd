# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The command line of the report."""

from __future__ import annotations

from pathlib import Path

import pytest

from bundle.files.manifest import StageManifest
from scripts.command_line import run_command
from scripts.report import make


def test_make_writes_the_page_of_a_folder_with_any_name(tmp_path: Path) -> None:
    output = tmp_path / "out #1"
    StageManifest(output / "synthesis", "synthesis").begin()
    run_command({"make": make}, ["make", "--output_dir", str(output)])
    assert "synthetic, segmentation, predictions still to be done" in (output / "report" / "index.html").read_text()


def test_a_folder_without_stages_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="holds no stage of the pipeline"):
        run_command({"make": make}, ["make", "--output_dir", str(tmp_path)])
