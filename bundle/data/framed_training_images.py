# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Training images with a frame of reflected pixels that do not count, so that every view of them has a surrounding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from .training_images import EllipseTrainingImage, LabelledTrainingImage

Framed = EllipseTrainingImage | LabelledTrainingImage


class FramedTrainingImages(Dataset[Framed]):
    """Training images for views that see further than the crop that is cut from them, as `RandZoomRotation` does.

    Each is framed such that the middle of a view, a crop, may lie anywhere in the image, and that an image which is
    smaller than a view becomes one. The frame is the image's reflection; it weighs 0.

    Args:
        training_images: images with labels, or with points.
        crop_size: (h, w) of a crop, px.
        view_size: (H, W) of what is cut out to make a crop of, px.

    Raises:
        ValueError: a view is smaller than a crop.
    """

    def __init__(self, training_images: Sequence[Framed], crop_size: Sequence[int], view_size: Sequence[int]) -> None:
        if view_size[0] < crop_size[0] or view_size[1] < crop_size[1]:
            raise ValueError(f"views of {list(view_size)} px are smaller than the crops of {list(crop_size)} px")
        self.training_images = [
            _framed(training_image, frame_of(training_image.size, crop_size, view_size))
            for training_image in training_images
        ]

    def __len__(self) -> int:
        return len(self.training_images)

    def __getitem__(self, index: int) -> Framed:
        return self.training_images[index]


def frame_of(size: Sequence[int], crop_size: Sequence[int], view_size: Sequence[int]) -> tuple[int, int]:
    """How many px a frame has above and below, and left and right, of an image of this (H, W)."""
    high, wide = (
        max((view - crop + 1) // 2, (view - length + 1) // 2)
        for length, crop, view in zip(size, crop_size, view_size, strict=True)
    )
    return high, wide


def _framed(training_image: Framed, frame: tuple[int, int]) -> Framed:
    image = _pad(training_image.image, frame, "reflect")
    weight = torch.ones_like(training_image.image[:1]) if training_image.weight is None else training_image.weight
    weight = _pad(weight, frame, "constant")
    if isinstance(training_image, LabelledTrainingImage):
        return replace(training_image, image=image, label=_pad(training_image.label, frame, "constant"), weight=weight)
    return replace(
        training_image,
        image=image,
        points=training_image.points + training_image.points.new_tensor(frame[::-1]),
        weight=weight,
    )


def _pad(tensor: Tensor, frame: tuple[int, int], mode: str) -> Tensor:
    """(C, H, W) with a frame; NumPy reflects as often as it takes."""
    around = [(0, 0), *((length, length) for length in frame)]
    return torch.from_numpy(np.pad(tensor.cpu().numpy(), around, mode=mode)).to(tensor.device)  # type: ignore[call-overload]
