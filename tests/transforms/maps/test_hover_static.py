# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Static hover maps are those of `hover_map`, whatever the bound of the ids, and no device is asked for a size."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from transforms.maps.hover import hover_map
from transforms.maps.hover_static import static_hover_map

SHAPES = st.tuples(st.integers(1, 3), st.just(1), st.integers(1, 12), st.integers(1, 12))
LABELS = arrays(np.int32, SHAPES, elements=st.sampled_from([0, 1, 2, 3, 7, 30]))


def test_a_row_of_four_pixels_by_hand():
    label = torch.tensor([[[[0, 5, 5, 5, 5]]]])  # centre at 2.5: offsets -1.5, -0.5, 0.5, 1.5
    expected = torch.tensor([[[[0, -1, -1 / 3, 1 / 3, 1]], [[0, 0, 0, 0, 0]], [[0, 1, 1, 1, 1]]]])
    torch.testing.assert_close(static_hover_map(label, 5), expected)


@settings(max_examples=100)
@given(LABELS, st.integers(0, 40))
def test_equal_to_the_map_from_runs(label, more):
    label = torch.from_numpy(label)
    assert torch.equal(static_hover_map(label, int(label.max()) + more), hover_map(label))


def test_equal_on_large_crowded_labels():
    blocks = torch.randint(0, 500, (4, 1, 30, 40), generator=torch.Generator().manual_seed(0))
    label = blocks.repeat_interleave(5, 2).repeat_interleave(5, 3).int()
    assert torch.equal(static_hover_map(label, 499), hover_map(label))


@pytest.mark.parametrize("shape", [(2, 1, 8, 8), (0, 1, 8, 8), (2, 1, 0, 8)])
def test_a_blank_label_gives_a_blank_map(shape):
    found = static_hover_map(torch.zeros(shape, dtype=torch.int32), 0)
    assert found.shape == (shape[0], 3, *shape[2:]) and found.is_contiguous() and not found.any()


def test_nothing_is_asked_of_the_device():
    label = torch.zeros(2, 1, 8, 9, dtype=torch.int32, device="meta")
    found = static_hover_map(label, 10**6)
    assert found.shape == (2, 3, 8, 9) and found.dtype == torch.float32 and found.is_meta
    with pytest.raises(NotImplementedError):  # so asking would be noticed
        hover_map(label)


def test_other_types_are_refused():
    with pytest.raises(TypeError, match="integer"):
        static_hover_map(torch.full((1, 1, 4, 4), 0.5), 3)
    with pytest.raises(ValueError, match="label is"):
        static_hover_map(torch.zeros(1, 4, 4, 4, dtype=torch.int32), 3)
