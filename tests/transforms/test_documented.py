# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""docs/transforms.md: its code runs as it stands, and it names what the package exports."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import transforms

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "transforms.md").read_text(encoding="utf-8")


@pytest.fixture
def names(tmp_path, monkeypatch):
    """The page's names after its code has run, beside an image of 100 x 80 px with 80 clicks."""
    clicks = np.stack(np.meshgrid(np.arange(5, 100, 10), np.arange(5, 80, 10)), -1).reshape(-1, 2)
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (80, 100, 3), np.uint8)).save(tmp_path / "a.png")
    np.savetxt(tmp_path / "a.csv", clicks, delimiter=",", header="x,y", comments="")
    monkeypatch.chdir(tmp_path)
    names: dict = {}
    exec("\n".join(re.findall(r"```python\n(.*?)```", PAGE, re.S)), names)
    return names


def test_the_code_runs_and_gives_what_the_page_says(names):
    item, found = names["item"], names["found"]
    assert item["label"].shape == (1, 64, 64) and item["hover_map"].shape == (3, 64, 64)
    assert item["points"].shape == (500, 2) and (~item["points"].isnan()).sum() == 160
    assert found.dtype == torch.int32 and len(found.unique()) > 20
    pixels = [np.asarray(array)[0] > 0 for array in (found, item["label"])]
    assert (pixels[0] & ~pixels[1]).sum() == 0  # specks at a crop's edge are no instances, all else comes back
    assert pixels[0].sum() > 0.98 * pixels[1].sum()


def test_the_page_names_everything_that_is_exported():
    assert [name for name in transforms.__all__ if f"`{name}`" not in PAGE] == []
