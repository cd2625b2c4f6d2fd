# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The notebook's code runs, at the smoke preset."""

from __future__ import annotations

import json
from pathlib import Path

import matplotlib

NOTEBOOK = Path(__file__).resolve().parents[1] / "docs" / "clicks_to_segmenter.ipynb"


def code_cells():
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    return [cell for cell in cells if cell["cell_type"] == "code"]


def test_the_notebook_runs(tmp_path, monkeypatch):
    monkeypatch.setenv("NOTEBOOK_OUTPUT", str(tmp_path))
    monkeypatch.chdir(NOTEBOOK.parent)
    matplotlib.use("Agg")
    text = "\n".join("".join(cell["source"]) for cell in code_cells())
    assert 'PRESET = "demo"' in text
    names: dict = {}
    exec(compile(text.replace('PRESET = "demo"', 'PRESET = "smoke"'), str(NOTEBOOK), "exec"), names)
    assert names["found"].label.shape == (512, 512) and len(names["columns"]["id"]) == len(names["columns"]["x"])
    assert (tmp_path / "results" / "report" / "index.html").is_file()
