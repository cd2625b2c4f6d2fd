# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Hover maps: by hand, against MONAI's, and the invariants of their definition."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from monai.data import MetaTensor
from monai.transforms import ComputeHoVerMaps

from transforms.maps.hover import HoverMap, HoverMapd, hover_map

IDS = st.sampled_from([0, 1, 2, 3, 7, 300])
LABELS = arrays(np.int32, st.tuples(st.just(1), st.integers(1, 12), st.integers(1, 12)), elements=IDS)


def test_a_row_of_four_pixels_by_hand():
    label = torch.tensor([[[0, 5, 5, 5, 5]]])  # centre at 2.5: offsets -1.5, -0.5, 0.5, 1.5
    expected = torch.tensor([[[0, -1, -1 / 3, 1 / 3, 1]], [[0, 0, 0, 0, 0]], [[0, 1, 1, 1, 1]]])
    torch.testing.assert_close(hover_map(label), expected)


def test_each_side_is_scaled_by_itself():
    label = torch.tensor([[[1, 1, 1, 1], [1, 0, 0, 0]]])  # centre of mass at x = 6 / 5, y = 1 / 5
    h, v, _ = hover_map(label)
    torch.testing.assert_close(h[0], torch.tensor([-1, -0.2 / 1.2, 0.8 / 1.8, 1]))
    torch.testing.assert_close(v[:, 0], torch.tensor([-1.0, 1.0]))


def test_a_single_pixel_is_zero_in_h_and_v():
    assert hover_map(torch.tensor([[[0, 3, 0]]])).flatten().tolist() == [0, 0, 0, 0, 0, 0, 0, 1, 0]


@settings(max_examples=150, deadline=None)
@given(LABELS)
def test_equal_to_monai(label):
    found = hover_map(torch.from_numpy(label))
    assert np.array_equal(found[:2], np.asarray(ComputeHoVerMaps()(label)))
    assert np.array_equal(found[2:], label > 0)


def test_equal_to_monai_on_a_large_crowded_label():
    blocks = torch.randint(0, 500, (1, 60, 70), generator=torch.Generator().manual_seed(0))
    label = blocks.repeat_interleave(5, 1).repeat_interleave(5, 2) * 131
    assert np.array_equal(hover_map(label)[:2], np.asarray(ComputeHoVerMaps()(label)))


@settings(max_examples=50, deadline=None)
@given(LABELS)
def test_every_instance_reaches_the_ends_of_its_sides(label):
    h, v, _ = hover_map(label).numpy()
    for number in np.unique(label[label > 0]):
        for offset, places in zip((h, v), np.nonzero(label[0] == number)[::-1], strict=True):
            ends = (-1, 1) if len(np.unique(places)) > 1 else (0, 0)
            inside = offset[label[0] == number]
            assert (inside.min(), inside.max()) == ends


@settings(max_examples=50, deadline=None)
@given(LABELS, st.integers(1, 2**28))
def test_ids_do_not_matter(label, factor):
    assert torch.equal(hover_map(label.astype(np.int64) * factor), hover_map(label))


@settings(max_examples=50, deadline=None)
@given(LABELS)
def test_flips_turn_signs(label):
    flipped = hover_map(label[:, :, ::-1].copy()).flip(2)
    torch.testing.assert_close(flipped * torch.tensor([-1.0, 1, 1])[:, None, None], hover_map(label))


def test_images_of_a_batch_do_not_know_each_other():
    label = torch.randint(0, 6, (5, 1, 14, 9), generator=torch.Generator().manual_seed(1))
    label[2] = 0
    batch = hover_map(label)
    assert batch.shape == (5, 3, 14, 9)
    assert all(torch.equal(each, hover_map(alone)) for each, alone in zip(batch, label, strict=True))


@pytest.mark.parametrize("shape", [(1, 8, 8), (1, 0, 8), (2, 1, 8, 8), (0, 1, 8, 8)])
def test_a_blank_label_gives_a_blank_map(shape):
    found = hover_map(torch.zeros(shape, dtype=torch.int32))
    assert found.shape == (*shape[:-3], 3, *shape[-2:]) and not found.any()


@pytest.mark.parametrize("kind", [torch.uint8, torch.int16, torch.int32, torch.int64, torch.uint16])
def test_all_integer_types_are_read(kind):
    label = torch.tensor([[[0, 200, 200], [9, 9, 0]]], dtype=torch.int64)
    if kind != torch.int16:
        assert torch.equal(hover_map(label.to(kind)), hover_map(label))
    assert hover_map(label.to(kind)).dtype == torch.float32


def test_other_types_and_shapes_are_refused():
    for wrong in (torch.full((1, 4, 4), 0.5), torch.zeros(1, 4, 4, dtype=torch.bool)):
        with pytest.raises(TypeError, match="integer"):
            hover_map(wrong)
    for shape in ((4, 4), (2, 4, 4), (1, 2, 4, 4)):
        with pytest.raises(ValueError, match="label is"):
            hover_map(torch.zeros(shape, dtype=torch.int32))


def test_array_form_keeps_the_kind_of_array():
    label = np.array([[[0, 2, 2]]], dtype=np.uint16)
    found = HoverMap()(label)
    assert isinstance(found, np.ndarray) and found.dtype == np.float32
    tracked = HoverMap()(MetaTensor(torch.tensor([[[0, 2, 2]]]), meta={"filename_or_obj": "a.png"}))
    assert isinstance(tracked, MetaTensor) and tracked.meta["filename_or_obj"] == "a.png"
    assert np.array_equal(found, tracked.numpy()) and found.tolist() == [[[0, -1, 1]], [[0, 0, 0]], [[0, 1, 1]]]


def test_dictionary_form_adds_the_map_and_leaves_the_rest():
    data = {"label": torch.ones(1, 2, 2, dtype=torch.int32), "name": "a"}
    found = HoverMapd("label")(data)
    assert torch.equal(found["hover_map"], hover_map(data["label"]))
    assert set(data) == {"label", "name"} and found["name"] == "a"
    with pytest.raises(KeyError):
        HoverMapd("mask")(data)
    with pytest.raises(ValueError, match="output_keys"):
        HoverMapd(["label", "other"])
