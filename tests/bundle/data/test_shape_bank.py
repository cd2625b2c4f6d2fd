# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Shapes of labelled images in a file: all of them, and nothing else is taken for some."""

from __future__ import annotations

import pytest
import torch

from bundle.data.shape_bank import read_shapes, write_shapes
from bundle.data.training_images import LabelledTrainingImage
from bundle.networks.weights import CheckpointError
from transforms.shapes.draw import draw_label
from transforms.shapes.real_shapes import measure_shapes


def labelled(name, *ellipses):
    label = draw_label(torch.tensor(ellipses), (90, 90))
    return LabelledTrainingImage(name, torch.zeros(3, 90, 90), label, int(label.max()))


def test_a_later_stage_reads_the_shapes_of_all_images(tmp_path):
    first = labelled("one", (30.0, 30.0, 9.0, 7.0, 0.3), (60.0, 60.0, 8.0, 8.0, 0.0))
    images = [first, labelled("two", (45.0, 40.0, 12.0, 6.0, 1.0))]
    bank = write_shapes(images, 12.0, tmp_path / "stage" / "shapes.pt")
    assert torch.equal(bank, torch.cat([measure_shapes(image.label, 12.0) for image in images])) and len(bank) == 3
    assert torch.equal(read_shapes(tmp_path / "stage" / "shapes.pt"), bank)


def test_what_holds_no_shapes_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_shapes(tmp_path / "shapes.pt")
    for content in ({"weight": torch.zeros(3)}, torch.zeros(3), torch.zeros(4, 6)):
        torch.save(content, tmp_path / "shapes.pt")
        with pytest.raises(CheckpointError, match="holds no shapes of objects"):
            read_shapes(tmp_path / "shapes.pt")
