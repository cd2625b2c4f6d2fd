# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Class maps: known answers, a slow and independent version, and what may not be given."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.maps.classes import BACKGROUND, BOUNDARY, INSIDE, class_map
from transforms.random_streams import generator


def slow_class_map(label: np.ndarray, boundary: float) -> np.ndarray:
    """Pixel by pixel: look at every pixel of the image that is near enough."""
    height, width = label.shape
    classes = np.zeros_like(label)
    for y, x in zip(*np.nonzero(label), strict=True):
        rows, columns = np.mgrid[:height, :width]
        near = (rows - y) ** 2 + (columns - x) ** 2 <= boundary**2
        classes[y, x] = BOUNDARY if (label[near] != label[y, x]).any() else INSIDE
    return classes


def test_two_touching_objects_by_hand():
    label = torch.tensor([[[0, 0, 0, 0, 0, 0, 0], [0, 1, 1, 1, 2, 2, 2], [0, 1, 1, 1, 2, 2, 2], [0, 1, 1, 1, 2, 2, 2]]])
    rows = [[0, 0, 0, 0, 0, 0, 0], [0, 2, 2, 2, 2, 2, 2], [0, 2, 1, 2, 2, 1, 1], [0, 2, 1, 2, 2, 1, 1]]
    assert class_map(label, 1).tolist() == [rows]  # beyond the image's edge there is nothing


def test_a_disk_not_a_square_is_searched():
    label = torch.ones(1, 7, 7, dtype=torch.int32)
    label[0, 3, 3] = 0
    assert (class_map(label, 1) == BOUNDARY).sum() == 4
    assert (class_map(label, 1.42) == BOUNDARY).sum() == 8
    assert (class_map(label, 2) == BOUNDARY).sum() == 12


@settings(max_examples=30, derandomize=True)
@given(seed=st.integers(0, 10**6), boundary=st.sampled_from([1, 1.5, 2, 2.5, 3]), side=st.integers(1, 12))
def test_it_is_the_slow_version(seed, boundary, side):
    coarse = torch.randint(4, (2, 1, 4, 3), generator=generator(seed))
    label = coarse.repeat_interleave(3, 2).repeat_interleave(4, 3)[..., :side, :]
    expected = [slow_class_map(each[0].numpy(), boundary) for each in label]
    assert np.array_equal(class_map(label, boundary)[:, 0].numpy(), expected)


def test_inside_and_boundary_are_the_objects():
    label = torch.randint(3, (2, 1, 9, 8), generator=generator(0), dtype=torch.int32)
    classes = class_map(label, 2)
    assert classes.shape == label.shape and classes.dtype == torch.int64
    assert torch.equal(classes != BACKGROUND, label > 0)


def test_images_of_a_batch_have_nothing_to_do_with_each_other():
    label = torch.randint(3, (3, 1, 9, 8), generator=generator(1))
    assert torch.equal(class_map(label, 2), torch.stack([class_map(each, 2) for each in label]))


def test_numpy_and_any_integers_are_taken():
    label = np.zeros((1, 5, 5), np.uint16)
    label[0, 1:4, 1:4] = 65_535
    assert (class_map(label, 1) == INSIDE).sum() == 1


def test_the_device_is_not_waited_for():
    label = torch.zeros(2, 1, 16, 12, dtype=torch.int32, device="meta")
    assert class_map(label, 2).is_meta


def test_other_input_is_refused():
    with pytest.raises(TypeError, match="integer"):
        class_map(torch.full((1, 4, 4), 0.5), 1)
    with pytest.raises(ValueError, match=r"\(4, 4\)"):
        class_map(torch.zeros(4, 4, dtype=torch.int32), 1)
    with pytest.raises(ValueError, match="boundary of 0.5 px"):
        class_map(torch.zeros(1, 4, 4, dtype=torch.int32), 0.5)
