# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Overlays: which pixels are drawn and which are left as they were."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from bundle.objects.overlay import COLOURS, overlay

LABEL = torch.zeros(1, 7, 8, dtype=torch.int32)
LABEL[0, 1:6, 1:4], LABEL[0, 1:6, 4:7] = 1, 2  # two touching rectangles of 5 x 3 px


def test_outlines_lie_inside_and_part_touching_objects():
    image = torch.full((3, 7, 8), 0.5)
    drawn = overlay(image, LABEL)
    assert drawn.shape == (7, 8, 3) and drawn.dtype == np.uint8
    assert (drawn[0] == 128).all() and (drawn[:, 0] == 128).all()  # background
    assert (drawn[2:5, 2] == 128).all() and (drawn[2:5, 5] == 128).all()  # inside
    assert (drawn[1:6, 3] == COLOURS[1]).all() and (
        drawn[1:6, 4] == COLOURS[2]
    ).all()  # the common border, one colour each


def test_grey_images_become_rgb():
    drawn = overlay(torch.tensor([[[0.0, 1.0]]]), torch.zeros(1, 1, 2, dtype=torch.int32))
    assert drawn.tolist() == [[[0, 0, 0], [255, 255, 255]]]


def test_different_sizes_are_refused():
    with pytest.raises(ValueError, match="differ in size"):
        overlay(torch.zeros(3, 4, 4), LABEL)
