# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Framed training_images: the image stays in the middle, the frame counts nothing, and crops may lie anywhere."""

from __future__ import annotations

import pytest
import torch

from bundle.data.crops import EllipseCrop
from bundle.data.framed_training_images import FramedTrainingImages
from bundle.data.training_images import EllipseTrainingImage, LabelledTrainingImage
from transforms.random_streams import generator
from transforms.shapes.area_laws import UniformAreaLaw
from transforms.shapes.ellipses import EllipseSampler


def training_image(height: int, width: int, weight: torch.Tensor | None = None) -> LabelledTrainingImage:
    label = torch.ones(1, height, width, dtype=torch.int32)
    return LabelledTrainingImage("a", torch.rand(3, height, width), label, 1, weight, share=3.0)


@pytest.mark.parametrize("size", [(40, 50), (9, 14), (5, 5)])
def test_the_image_stays_in_the_middle_and_its_frame_does_not_count(size: tuple[int, int]) -> None:
    original = training_image(*size)
    padded = FramedTrainingImages([original], crop_size=(8, 8), view_size=(20, 20))[0]
    top, left = ((long - short) // 2 for long, short in zip(padded.size, size, strict=True))
    inside = (slice(None), slice(top, top + size[0]), slice(left, left + size[1]))
    assert isinstance(padded, LabelledTrainingImage) and padded.weight is not None
    torch.testing.assert_close(padded.image[inside], original.image)
    assert padded.weight[inside].min() == 1 and padded.weight.sum() == size[0] * size[1]
    assert torch.equal(padded.label > 0, padded.weight > 0)
    assert padded.share == 3.0 and padded.label.dtype == torch.int32


def test_the_middle_of_a_view_reaches_every_crop_of_the_image_and_no_further() -> None:
    padded = FramedTrainingImages([training_image(30, 40)], crop_size=(8, 8), view_size=(20, 20))[0]
    assert padded.size == (42, 52)  # (20 - 8) / 2 on each side: as many views as crops


def test_a_small_image_becomes_a_view() -> None:
    assert FramedTrainingImages([training_image(10, 13)], crop_size=(16, 16), view_size=(33, 33))[0].size >= (33, 33)


def test_weights_that_are_there_stay() -> None:
    weight = torch.rand(1, 12, 12)
    padded = FramedTrainingImages([training_image(12, 12, weight)], crop_size=(4, 4), view_size=(8, 8))[0]
    assert padded.weight is not None
    torch.testing.assert_close(padded.weight[:, 2:-2, 2:-2], weight)


def test_the_frame_mirrors_the_image() -> None:
    original = training_image(12, 12)
    padded = FramedTrainingImages([original], crop_size=(4, 4), view_size=(8, 8))[0]
    torch.testing.assert_close(padded.image[:, 1, 2:-2], original.image[:, 1])  # row -1 is row 1


def test_points_move_along_and_shapes_are_drawn_where_they_were() -> None:
    points = torch.tensor([[5.0, 7.0], [20.0, 12.0]])
    sampler = EllipseSampler(UniformAreaLaw(8.0).fit([points]))
    original = EllipseTrainingImage("a", torch.rand(3, 24, 30), points, sampler, 0.5)
    padded = FramedTrainingImages([original], crop_size=(8, 8), view_size=(16, 16))[0]
    whole, alone = (EllipseCrop.stack([each.crop((0, 0), each.size, generator(1))]) for each in (padded, original))
    assert torch.equal(whole["label"][..., 4:-4, 4:-4], alone["label"])
    assert torch.equal(whole["point_map"][..., 4:-4, 4:-4], alone["point_map"])
    assert whole["weight"].sum() == 24 * 30 and "weight" not in alone


def test_views_smaller_than_crops_are_refused() -> None:
    with pytest.raises(ValueError, match="smaller than the crops"):
        FramedTrainingImages([training_image(12, 12)], crop_size=(8, 8), view_size=(8, 4))
