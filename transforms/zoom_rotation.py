# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Zoom and turn whole batches by any factor and angle: nuclei of other sizes, and no preferred direction."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from .augment import Batch, Generators, blur_each, draw_uniform

PREFILTER = 0.5  # px of the new image: standard deviation of the Gaussian that stands for the area of its pixels


class RandZoomRotation:
    """Cut the middle of each sample, zoomed and turned; images by bilinear interpolation, labels to the nearest pixel.

    It takes samples of `source_size` and gives them `size`, so that nothing from outside a sample is ever shown. It
    stands first among the augmentations and, like flips, before hover maps are computed.

    Args:
        size: (h, w) of what it gives, px.
        zoom: range of the factor by which objects grow; its logarithm is uniform.
        rotation: largest angle to either side, degrees.
        keys: tensors (B, C, H, W) to cut, those that a batch lacks are passed over; "image" alone is interpolated.

    Raises:
        ValueError: `zoom` is no range of positive factors, or `keys` name the hover map.
    """

    def __init__(
        self,
        size: Sequence[int],
        zoom: Sequence[float] = (0.7, 1.4),
        rotation: float = 180.0,
        keys: Sequence[str] = ("image", "label", "weight"),
    ) -> None:
        if not 0 < zoom[0] <= zoom[1]:
            raise ValueError(f"zoom is {list(zoom)}: give the smallest and the largest factor, both above 0")
        if "hover_map" in keys:
            raise ValueError("a hover map cannot be turned like an image: turn the label and compute the map from it")
        self.size, self.keys = (int(size[0]), int(size[1])), tuple(keys)
        self.low, self.high, self.rotation = math.log(zoom[0]), math.log(zoom[1]), math.radians(rotation)

    @property
    def source_size(self) -> tuple[int, int]:
        """(H, W) of the samples that it takes, px: what the smallest zoom sees at any angle."""
        reach = math.hypot(*self.size) if self.rotation else 0.0
        height, width = (math.ceil(max(length, reach) / math.exp(self.low)) for length in self.size)
        return height, width

    def __call__(self, batch: Batch, generators: Generators) -> Batch:
        """The batch with the named tensors cut; ValueError where samples are smaller than `source_size`."""
        found = (batch["image"].shape[2], batch["image"].shape[3])
        if found[0] < self.source_size[0] or found[1] < self.source_size[1]:
            raise ValueError(f"crops are {found} px: to be zoomed and turned they must be {self.source_size} px")
        zoom, angle = self._draw(generators, batch["image"].device)
        batch = batch | {"image": self._smooth(batch["image"], zoom)}
        places = self._places(zoom, angle, batch["image"])
        return {
            key: self._cut(tensor, places, "bilinear" if key == "image" else "nearest") if key in self.keys else tensor
            for key, tensor in batch.items()
        }

    def _draw(self, generators: Generators, device: torch.device) -> tuple[Tensor, Tensor]:
        """Factors and angles (radians), (B,) each."""
        drawn = draw_uniform(generators, (2,), 0, 1, device)  # (B, 2)
        return torch.exp(self.low + (self.high - self.low) * drawn[:, 0]), self.rotation * (2 * drawn[:, 1] - 1)

    def _smooth(self, image: Tensor, zoom: Tensor) -> Tensor:
        """What shrinks loses the detail that its new pixels cannot hold, as in an image of that magnification."""
        if self.low >= 0:
            return image
        largest = PREFILTER * math.sqrt(math.exp(-2 * self.low) - 1)
        return blur_each(image, PREFILTER * (zoom**-2 - 1).clamp(min=0).sqrt(), largest)

    def _places(self, zoom: Tensor, angle: Tensor, image: Tensor) -> Tensor:
        """Where each pixel comes from, (B, h, w, 2), as `grid_sample` counts: x and y in [-1, 1]."""
        (height, width), (tall, wide) = self.size, image.shape[2:]
        cosine, sine, nothing = torch.cos(angle) / zoom, torch.sin(angle) / zoom, torch.zeros_like(angle)
        to_x = torch.stack([cosine * (width / wide), -sine * (height / wide), nothing], dim=1)  # (B, 3)
        to_y = torch.stack([sine * (width / tall), cosine * (height / tall), nothing], dim=1)
        sizes = [len(image), 1, height, width]
        return functional.affine_grid(torch.stack([to_x, to_y], dim=1), sizes, align_corners=False)

    @staticmethod
    def _cut(tensor: Tensor, places: Tensor, mode: str) -> Tensor:
        """A tensor (B, C, H, W) at these places; ids below 2^24 are exact in float32."""
        cut = functional.grid_sample(tensor.float(), places, mode=mode, padding_mode="border", align_corners=False)
        return cut.to(tensor.dtype)
