# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Stage 1 without a cycle: labels of the real images are known, and F is a trained segmenter that stays as it is; ours.

G alone learns. It rebuilds real images from their labels, and what it paints on drawn masks is judged by D_X and by F.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from ignite.engine import Engine
from monai.networks.utils import eval_mode
from torch import Tensor

from ..networks.parts import activate_hover_map
from .gan import SAMPLES, CycleTrainer


class PainterTrainer(CycleTrainer):
    """One update: G against a frozen D_X and a fixed F, then D_X on real and pooled rebuilt images, each with its map.

    Batches are those of `CycleTrainer` with known_map. D_X takes image and map together, (B, C + 3, H, W), so that it
    sees whether nuclei are where the map has them; it learns from known labels alone, so that drawn shapes do not give
    a painted image away. There is no D_S.
    """

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.segmenter.requires_grad_(False)

    def _start(self, engine: Engine) -> None:
        super()._start(engine)
        self.segmenter.eval()

    def _translate(self, batch: Mapping[str, Tensor], generators: Sequence[torch.Generator]) -> dict[str, Tensor]:
        """G(s), G(y) of known labels y, F(G(s)) and what D_X thinks of both; float32."""
        maps = torch.cat([batch["hover_map"], batch["known_map"]])  # (2 B, 3, H, W)
        noise = torch.cat([self._draw(batch, generators) for _ in range(2)])
        conditions = torch.cat([self.condition(each, batch) for each in maps.chunk(2)])
        painted = self.replicas["generator"](conditions, noise)
        synthetic_image, rebuilt_image = painted.chunk(2)
        made = {
            "synthetic_image": synthetic_image,
            "rebuilt_image": rebuilt_image,
            "recovered_map": self.segmenter(synthetic_image),
            "image_scores": self.image_discriminator(torch.cat([painted, maps], 1)),
        }
        return {**batch, **{name: tensor.float() for name, tensor in made.items()}}

    def _judge(self, update: Mapping[str, Tensor], generators: Sequence[torch.Generator]) -> dict[str, Tensor]:
        """D_X's loss on real and pooled rebuilt images, each beside its map."""
        fake = self.image_pool(torch.cat([update["rebuilt_image"], update["known_map"]], 1), generators)
        real = torch.cat([update["image"], update["known_map"]], 1)
        with self.precision.autocast():
            of_real, of_fake = self.replicas["image_discriminator"](torch.cat([real, fake])).float().chunk(2)
        return {"discriminator_image": self.discriminator_loss(of_real, of_fake)}

    def sample_images(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """As of `CycleTrainer`, with the rebuilt image in place of the recovered one."""
        with eval_mode(*self.networks.values()), self.precision.autocast():
            update = self._translate(batch, self._generators(len(batch["image"]), 0, SAMPLES))
            predicted_map = self.segmenter(batch["image"]).float()
        return {
            "hover_map": update["hover_map"],
            "synthetic_image": update["synthetic_image"],
            "recovered_map": activate_hover_map(update["recovered_map"]),
            "image": update["image"],
            "predicted_map": activate_hover_map(predicted_map),
            "recovered_image": update["rebuilt_image"],
        }
