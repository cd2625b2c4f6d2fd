# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The README's moving picture: it is small, it moves, and it is made by the command that it names."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageSequence

from scripts.experiments.click_figure import STEPS, draw_click, steps

SHIPPED = Path(__file__).resolve().parents[3] / "docs" / "click.gif"
LARGEST = 800_000  # bytes


@pytest.mark.slow
def test_it_shows_clicks_then_outlines_then_another_image(tmp_path: Path) -> None:
    draw_click(str(tmp_path / "click.gif"))
    frames = [np.asarray(frame.convert("RGB")) for frame in ImageSequence.Iterator(Image.open(tmp_path / "click.gif"))]
    assert len(frames) == 1 + 2 * STEPS + 2
    assert (tmp_path / "click.gif").stat().st_size < LARGEST
    assert min(np.mean(one != other) for one, other in zip(frames, frames[1:], strict=False)) > 1e-4


def test_the_one_that_ships_is_small_and_moves() -> None:
    picture = Image.open(SHIPPED)
    assert picture.n_frames == 1 + 2 * STEPS + 2 and SHIPPED.stat().st_size < LARGEST


def test_all_are_shown_at_last() -> None:
    assert steps(100)[-1] == 100 and steps(100) == sorted(steps(100)) and len(steps(3)) == STEPS
