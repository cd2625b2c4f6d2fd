# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Training of a network that tells classes, such as CNN3, on batches of images and labels."""

from __future__ import annotations

from collections.abc import Mapping

from ignite.engine import Engine
from monai.networks.utils import eval_mode
from torch import Tensor

from .segmentation import SegmentationTrainer


class ClassTrainer(SegmentationTrainer):
    """`SegmentationTrainer` whose loss compares with the label itself, as `ClassLoss` does, not with its hover map.

    Batches hold image float (B, C, H, W) in [0, 1], label (B, 1, H, W) and, where pixels do not count alike, weight
    float (B, 1, H, W). The network returns logits of background, inside and boundary; all arguments are the same.
    """

    def _iteration(self, engine: Engine, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        return super()._iteration(engine, {**batch, "hover_map": batch["label"]})  # what the loss is given

    def sample_images(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """What to look at while it trains: image (B, C, H, W), true foreground (B, 1, H, W), classes (B, 3, H, W)."""
        with eval_mode(self.network), self.precision.autocast():
            predicted = self.network(batch["image"]).float().softmax(dim=1)
        return {"image": batch["image"], "foreground": (batch["label"] > 0).float(), "predicted_classes": predicted}
