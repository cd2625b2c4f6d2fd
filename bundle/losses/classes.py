# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Loss of a network that tells background, inside and boundary: cross-entropy over the pixels of a crop.

Kumar et al. 2017 train on as many patches of each class. Crops hold all their pixels, so here classes are weighted
instead. In float32, under AMP too.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional
from transforms.maps.classes import class_map

from .reduce import mean_per_crop


class ClassLoss(nn.Module):
    """Cross-entropy of the three classes, a weighted mean over the pixels of a crop, then a mean over crops.

    Args:
        mpp: um per px of the labels.
        boundary: um; pixels of an object no further than this from what is not the object are boundary; one px where
            this is less.
        weights: how much a pixel of background, inside and boundary counts. The default lets the classes of MoNuSeg
            (81, 14 and 5 % of its pixels, for ellipses of 6 um around the points) count alike, as in Kumar et al.

    Raises:
        ValueError: mpp is not positive, or there are not three weights.
    """

    def __init__(self, mpp: float, boundary: float = 0.5, weights: Sequence[float] = (1.0, 6.0, 16.0)) -> None:
        super().__init__()
        if not mpp > 0:
            raise ValueError(f"mpp is {mpp}: it must be a positive number of um per px")
        if len(weights) != 3:
            raise ValueError(f"weights are {list(weights)}: give one each for background, inside and boundary")
        self.boundary = max(boundary / mpp, 1.0)  # px
        self.weights = [float(weight) for weight in weights]

    def forward(self, prediction: Tensor, label: Tensor, weight: Tensor | None = None) -> dict[str, Tensor]:
        """Compare what the network returned with a label.

        Args:
            prediction: float (B, 3, H, W): logits of background, inside and boundary.
            label: (B, 1, H, W), any integer type, 0 = background.
            weight: float (B, 1, H, W), how much each pixel counts; None: all alike.

        Returns:
            scalars by name: cross_entropy.

        Raises:
            ValueError: when prediction and label are of different sizes.
        """
        batch, _, height, width = label.shape
        if prediction.shape != (batch, 3, height, width):
            raise ValueError(
                f"prediction is {tuple(prediction.shape)}, label {tuple(label.shape)}: give (B, 3, H, W), (B, 1, H, W)"
            )
        classes = class_map(label, self.boundary)  # (B, 1, H, W)
        entropy = functional.cross_entropy(prediction.float(), classes[:, 0], reduction="none")[:, None]
        counts = self.counts(classes)
        counts = counts if weight is None else counts * weight  # (B, 1, H, W)
        return {"cross_entropy": mean_per_crop(entropy, counts).mean()}

    def counts(self, classes: Tensor) -> Tensor:
        """How much each pixel counts for its class alone, float32 (B, 1, H, W)."""
        return torch.stack([weight * (classes == each) for each, weight in enumerate(self.weights)]).sum(0)
