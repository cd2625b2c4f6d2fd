# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The same few crops all along a training, so that what the networks make of them compares from update to update."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from monai.networks.utils import eval_mode
from torch import Tensor
from transforms.random_streams import generator

from ..data.streams import CropStream
from ..metrics.diversity import NOISES
from .gan import CycleTrainer

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class PanelState:
    """The panel as the networks see it after an update.

    Attributes:
        step: finished updates.
        batch: the crops: image, label, hover_map and point_map, as a stream gives them.
        pictures: what `CycleTrainer.sample_images` makes of them; maps hold m in [0, 1].
        painted: float (masks, noises, C, H, W) in [0, 1], the first masks with several noises each; None: G takes none.
    """

    step: int
    batch: Mapping[str, Tensor]
    pictures: Mapping[str, Tensor]
    painted: Tensor | None


class Panel:
    """Crops that never change, and the noises to paint them with; handlers that share it share the painting.

    Networks are in evaluation mode meanwhile, and no random state changes.

    Args:
        stream: where the crops come from; its batch number 0 is taken.
        masks: how many of them are painted with several noises.
        noises: how many noises each, at least 2.
        seed: of the noises.
    """

    def __init__(self, stream: CropStream, masks: int = 3, noises: int = NOISES, seed: int = 0) -> None:
        self.stream, self.masks, self.noises, self.seed = stream, masks, noises, seed
        self.batch: dict[str, Tensor] = {}
        self.latest: PanelState | None = None

    def look(self, engine: CycleTrainer) -> PanelState:
        """What the engine's networks make of the crops now; computed once per update."""
        if not self.batch:
            self.batch = self.stream.batch(0)
            if not random_channels(engine):
                logger.info("G takes no noise: it paints a mask in one way only, so its diversity is not watched")
        step = engine.state.iteration
        if self.latest is None or self.latest.step != step:
            with torch.compiler.set_stance("force_eager"):  # other batch sizes than the training's: not worth compiling
                self.latest = PanelState(step, self.batch, engine.sample_images(self.batch), self._paint(engine))
        return self.latest

    def _paint(self, engine: CycleTrainer) -> Tensor | None:
        """(masks, noises, C, H, W): noise number j of mask i depends on (seed, i, j) alone; the style is the crop's."""
        if not random_channels(engine):
            return None
        device, styles, painted = engine.state.device, self.batch.get("style"), []
        with eval_mode(engine.generator), engine.precision.autocast():
            for place, condition in enumerate(engine.condition(self.batch["hover_map"], self.batch)[: self.masks]):
                drawn = [generator(self.seed, place, number, device=device) for number in range(self.noises)]
                style = None if styles is None else styles[place].expand(self.noises, -1)
                noise = engine.noise.sample(self.noises, condition.shape[1:], drawn, device, style)
                painted.append(engine.generator(condition.expand(self.noises, -1, -1, -1), noise).float())
        return torch.stack(painted)


def random_channels(engine: CycleTrainer) -> int:
    """Channels of G's noise that are drawn; those of the style are not."""
    return engine.noise.global_channels + engine.noise.local_channels
