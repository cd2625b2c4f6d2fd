# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Handler: an exponential moving average of a network's weights, which paints more evenly than the newest do."""

from __future__ import annotations

import logging
from pathlib import Path

from ignite.engine import Events
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from ..networks.weights import save_weights
from .base import ResumableTrainer
from .parallel import is_first_process

logger = logging.getLogger(__name__)


class AverageWeights:
    """Average the weights after every update, keep the average in the checkpoints, write it at the end.

    Buffers (such as the vectors of spectral norm) are those of the newest weights.

    Args:
        network: what to average.
        path: of the averaged weights, in the format of the network's own.
        decay: weight of the average against the newest, in [0, 1): it reaches back about 1 / (1 - decay) updates.
        name: of the average in a checkpoint.

    Raises:
        ValueError: for another `decay`.
    """

    def __init__(self, network: nn.Module, path: str | Path, decay: float = 0.998, name: str = "average") -> None:
        if not 0 <= decay < 1:
            raise ValueError(f"decay is {decay}: it must be in [0, 1); 0.998 averages over about 500 updates")
        self.network, self.path, self.name = network, Path(path), name
        self.average = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(decay))

    def attach(self, engine: ResumableTrainer) -> None:
        """Follow a ResumableTrainer; stands before the handler that resumes."""
        engine.stateful[self.name] = self.average
        engine.add_event_handler(Events.ITERATION_COMPLETED, self._update)
        engine.add_event_handler(Events.COMPLETED, self._write)

    def _update(self, _: ResumableTrainer) -> None:
        self.average.update_parameters(self.network)

    def _write(self, _: ResumableTrainer) -> None:
        if not is_first_process():
            return
        save_weights(self.average.module, self.path)
        logger.info("wrote %s", self.path)
