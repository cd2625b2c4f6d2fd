# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Class probabilities to instances: ideal maps come back, unsure ones nearly so, and tiles agree."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from monai.data import MetaTensor
from scipy.ndimage import gaussian_filter
from scipy.ndimage import label as components

from transforms.instances.classes_to_label import ClassesToLabel, ClassesToLabeld, classes_to_label
from transforms.instances.hover_to_label import raster_ids
from transforms.maps.classes import INSIDE, class_map
from transforms.random_streams import generator
from transforms.shapes.area_laws import TightAreaLaw
from transforms.shapes.draw import draw_label
from transforms.shapes.ellipses import EllipseSampler

MPP = 0.5


def one_hot(label: torch.Tensor) -> torch.Tensor:
    """The probabilities (3, H, W) of a network that is sure, and right, about a label (1, H, W)."""
    return torch.nn.functional.one_hot(class_map(label, 1)[0], 3).movedim(2, 0).float()


def crowd(seed: int, rows: int = 7) -> torch.Tensor:
    """A label of rows x rows ellipses of typically 12 px, 12 px apart give or take 4: most of them touch."""
    places = torch.cartesian_prod(torch.arange(rows), torch.arange(rows)) * 12.0 + 6
    points = places + torch.rand(rows * rows, 2, generator=generator(seed)) * 8 - 4
    sampler = EllipseSampler(TightAreaLaw(10.0).fit([points]))
    return draw_label(sampler(points, generator(seed, 1)), (12 * rows, 12 * rows))


def ious(label: torch.Tensor, found: torch.Tensor) -> np.ndarray:
    """For every object of the label: the best IoU among those found."""
    true = [label == each for each in label.unique()[1:]]
    best = [max((t & (found == each)).sum() / (t | (found == each)).sum() for each in found[t].unique()) for t in true]
    return np.array(best)


def test_touching_squares_come_back_exactly():
    squares = torch.arange(1, 13, dtype=torch.int32).view(1, 3, 4)
    label = squares.repeat_interleave(4, 1).repeat_interleave(5, 2)
    assert torch.equal(classes_to_label(one_hot(label), MPP), label)


@settings(max_examples=15, derandomize=True)
@given(seed=st.integers(0, 10**6))
def test_ideal_maps_of_crowds_come_back(seed):
    label = crowd(seed)
    inside = class_map(label, 1) == INSIDE
    whole = [each for each in label[inside].unique() if components((inside & (label == each))[0].numpy())[1] == 1]
    label = torch.where(torch.isin(label, torch.stack(whole)), label, 0)  # others have no core, or several
    iou = ious(label, classes_to_label(one_hot(label), MPP, smallest=1))
    assert (iou > 0.7).all()


def test_blurred_noisy_maps_give_nearly_all_instances():
    label = crowd(1, rows=12)
    logits = gaussian_filter(4 * one_hot(label).numpy(), (0, 0.7, 0.7))
    logits += np.random.default_rng(0).normal(0, 0.2, logits.shape)
    found = classes_to_label(torch.from_numpy(logits).float().softmax(0), MPP)
    area = torch.bincount(label.flatten())[1:].numpy()
    assert (ious(label, found)[area >= 40] > 0.5).mean() > 0.95


@settings(max_examples=25, derandomize=True)
@given(seed=st.integers(0, 10**6))
def test_every_object_has_one_core_and_hangs_together(seed):
    drawn = np.random.default_rng(seed).normal(size=(3, 30, 40))
    probabilities = torch.from_numpy(gaussian_filter(drawn, (0, 1.5, 1.5)) * 12).softmax(0).float()
    label = classes_to_label(probabilities, MPP, smallest=1)[0].numpy()
    inside, boundary = probabilities[1:].numpy()
    cores, count = components((inside > boundary) & (inside + boundary > 0.5))
    assert label.max() == count and np.array_equal(label, raster_ids(label))
    assert (label[cores > 0] > 0).all() and (inside + boundary > 0.5)[label > 0].all()
    for each in range(1, count + 1):
        assert len(np.unique(label[cores == each])) == 1
        assert components(label == each)[1] == 1


def test_the_crest_of_the_boundary_parts_two_objects():
    inside, boundary = torch.zeros(5, 12), torch.zeros(5, 12)
    inside[:, 1:3], inside[:, 9:11] = 0.9, 0.9
    boundary[:, 3:9] = torch.tensor([0.6, 0.7, 0.8, 0.9, 0.7, 0.6])
    label = classes_to_label(torch.stack([1 - inside - boundary, inside, boundary]), 0.25, reach=5)
    assert (label[0, :, 1:6] == 1).all() and (label[0, :, 7:11] == 2).all()  # column 6 may be either's


def test_a_core_grows_by_the_reach_alone():
    inside, boundary = torch.zeros(9, 21), torch.full((9, 21), 0.8)
    inside[:, 10], boundary[:, 10] = 1, 0
    for mpp, reach, columns in ((0.5, 1.0, 5), (0.25, 1.0, 9), (0.25, 0.5, 5), (0.5, 0.0, 1)):
        found = classes_to_label(torch.stack([0.2 - 0.2 * inside, inside, boundary]), mpp, reach=reach, smallest=1)
        assert (found > 0).sum() == 9 * columns


def test_objects_away_from_the_cut_do_not_depend_on_tiling():
    logits = 3 * one_hot(crowd(2, rows=12)) + 0.5 * torch.randn(3, 144, 144, generator=generator(3))
    whole, tile = (classes_to_label(part.softmax(0), MPP)[0] for part in (logits, logits[:, 30:130, 20:140]))
    part, compared = whole[30:130, 20:140], 0
    for number in part[20:-20, 20:-20].unique()[1:]:
        row, column = (part == number).nonzero().unbind(1)
        if row.min() >= 15 and row.max() < 85 and column.min() >= 15 and column.max() < 105:
            assert torch.equal(tile == tile[row[0], column[0]], part == number)
            compared += 1
    assert compared > 10


def test_small_objects_are_dropped_and_the_threshold_is_exclusive():
    label = torch.zeros(1, 8, 12, dtype=torch.int32)
    label[0, 1:4, 1:4], label[0, 1:4, 6:10] = 1, 2  # 9 and 12 px
    ideal = one_hot(label)
    assert (classes_to_label(ideal, MPP) > 0).sum() == 12
    assert (classes_to_label(ideal, MPP, smallest=1) > 0).sum() == 21
    assert not classes_to_label(ideal * 0.5, MPP, smallest=1).any()


def test_no_core_no_object():
    blank = torch.zeros(3, 20, 30)
    blank[2] = 0.9
    found = classes_to_label(blank, MPP)
    assert found.shape == (1, 20, 30) and found.dtype == torch.int32 and not found.any()
    assert classes_to_label(torch.zeros(3, 0, 5), MPP).shape == (1, 0, 5)


@pytest.mark.parametrize("kind", [torch.as_tensor, MetaTensor, lambda tensor: tensor.numpy()])
def test_array_and_dictionary_forms_agree_with_the_function(kind):
    probabilities = one_hot(crowd(4, rows=3))
    expected = classes_to_label(probabilities, 0.25, reach=0.5, smallest=20)
    given_kind = kind(probabilities)
    label = ClassesToLabel(0.25, reach=0.5, smallest=20)(given_kind)
    assert type(label) is type(given_kind)
    assert np.array_equal(np.asarray(label), expected.numpy())
    data = {"pred": given_kind, "other": 3}
    output = ClassesToLabeld("pred", 0.25, "found", reach=0.5, smallest=20)(data)
    assert set(output) == {"pred", "other", "found"} and "found" not in data
    assert np.array_equal(np.asarray(output["found"]), expected.numpy())


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match=r"\(3, H, W\), not \(2, 4, 4\)"):
        classes_to_label(torch.zeros(2, 4, 4), MPP)
    with pytest.raises(ValueError, match="NaN or infinity"):
        classes_to_label(torch.full((3, 4, 4), torch.nan), MPP)
    with pytest.raises(ValueError, match="mpp is 0"):
        classes_to_label(torch.zeros(3, 4, 4), 0)
