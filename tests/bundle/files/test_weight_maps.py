# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Weight files: what is written is read, and what does not fit is refused by name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from bundle.files.image_kinds.tiff import read_tiff
from bundle.files.weight_maps import read_weight, write_weight
from bundle.files.writers import write_image, write_tiff


def test_weights_come_back(tmp_path: Path) -> None:
    weight = torch.tensor([[0.0, 1.0, 0.4], [0.2, 1.0, 0.0]])[None]
    write_weight(tmp_path / "w.tif", weight, 0.5)
    assert torch.equal(read_weight(tmp_path / "w.tif", (2, 3)), weight)  # fifths are whole numbers of 255
    assert read_tiff(tmp_path / "w.tif").mpp == pytest.approx(0.5)


def test_weights_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    write_weight(tmp_path / "w.tif", torch.ones(1, 4, 5))
    with pytest.raises(ValueError, match=r"w\.tif: .* the weights of an image of 4 x 5 px"):
        read_weight(tmp_path / "w.tif", (5, 4))
    write_image(tmp_path / "colour.tif", np.zeros((3, 4, 5), np.uint8))
    write_tiff(tmp_path / "deep.tif", np.zeros((4, 5), np.uint16), "minisblack", None)
    for name in ("colour", "deep"):
        with pytest.raises(ValueError, match=rf"{name}\.tif: .* 8-bit grey"):
            read_weight(tmp_path / f"{name}.tif", (4, 5))
    with pytest.raises(FileNotFoundError, match=r"gone\.tif: no such file"):
        read_weight(tmp_path / "gone.tif", (4, 5))
