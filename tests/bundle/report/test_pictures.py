# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Pictures of the page: exact pixels, and the window that is shown is a typical one."""

from __future__ import annotations

import base64
import io

import numpy as np
from PIL import Image

from bundle.report import pictures


def test_embedded_png_decodes_to_the_same_pixels() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    head, _, data = pictures.embed(picture, photo=False).partition(",")
    assert head == "data:image/png;base64"
    assert (np.asarray(Image.open(io.BytesIO(base64.b64decode(data)))) == picture).all()


def test_typical_window_has_the_share_of_the_whole() -> None:
    label = np.zeros((40, 40), int)
    label[:20, :20] = 1  # a quarter of the image; a window of 20 px with a quarter of it lies across its corner
    rows, columns = pictures.typical_window(label, 20)
    assert (label[rows, columns] > 0).mean() == 0.25
    assert pictures.typical_window(label, 100) == (slice(0, 40), slice(0, 40))


def test_spread_keeps_both_ends() -> None:
    assert pictures.evenly_chosen([1, 2, 3, 4, 5], 3) == [1, 3, 5]
    assert pictures.evenly_chosen([1, 2], 3) == [1, 2]
    assert pictures.evenly_chosen([1, 2], 1) == [1]
