# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Crops between training image and batch: windows into what lies on the device, and what is still to be drawn.

A crop costs nothing; the crops of a batch are copied and drawn together, on the device that their images lie on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from transforms.maps.points import point_maps
from transforms.shapes.draw import draw_labels

from .streams import Batch


@dataclass(frozen=True)
class EllipseCrop:
    """A window whose label is to be drawn around points.

    Attributes:
        image: float32 (C, h, w), a view of the whole image.
        origin: x and y of its first pixel in the whole image, px.
        points: float32 (N, 2) on the CPU, x and y in px of the whole image.
        shapes: float32 (N, 5 + 2K) on the CPU, in px of the whole image, as `transforms.shapes.draw` takes them.
        point_radius: radius of a marked point, px.
        weight: float32 (1, h, w), how much each pixel counts, a view of the whole; None: all alike.
    """

    image: Tensor
    origin: tuple[int, int]
    points: Tensor
    shapes: Tensor
    point_radius: float
    weight: Tensor | None = None

    @property
    def largest_id(self) -> int:
        """No id of its label will be larger."""
        return len(self.shapes)

    @staticmethod
    def stack(crops: Sequence[EllipseCrop]) -> Batch:
        """image (B, C, h, w), label (B, 1, h, w) int32 and point_map (B, 1, h, w); others' shapes reach in, too.

        Where a crop has one, weight (B, 1, h, w).
        """
        image = torch.stack([crop.image for crop in crops])
        size, origins = (image.shape[2], image.shape[3]), [crop.origin for crop in crops]
        points = [crop.points.double() - torch.tensor(crop.origin) for crop in crops]  # outside ones may mark pixels
        radii = [crop.point_radius for crop in crops]
        return {
            "image": image,
            "label": draw_labels([crop.shapes for crop in crops], origins, size, image.device),
            "point_map": point_maps(points, size, radii, image.device),
            **stack_weights(crops),
        }


@dataclass(frozen=True)
class LabelCrop:
    """A window with its label.

    Attributes:
        image: float32 (C, h, w), a view of the whole image.
        label: int32 (1, h, w), a view of the whole label.
        largest_id: no id of the label is larger.
        weight: float32 (1, h, w), how much each pixel counts, a view of the whole; None: all alike.
    """

    image: Tensor
    label: Tensor
    largest_id: int
    weight: Tensor | None = None

    @staticmethod
    def stack(crops: Sequence[LabelCrop]) -> Batch:
        """image (B, C, h, w), label (B, 1, h, w) int32 and, where a crop has one, weight (B, 1, h, w)."""
        batch = {key: torch.stack([getattr(crop, key) for crop in crops]) for key in ("image", "label")}
        return batch | stack_weights(crops)


def stack_weights(crops: Sequence[EllipseCrop] | Sequence[LabelCrop]) -> Batch:
    """weight (B, 1, h, w), 1 where a crop has none; nothing where none has any."""
    if all(crop.weight is None for crop in crops):
        return {}
    weights = [torch.ones_like(crop.image[:1]) if crop.weight is None else crop.weight for crop in crops]
    return {"weight": torch.stack(weights)}
