# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Handler: an exponential moving average of a network's weights, which paints more evenly than the newest do."""

from __future__ import annotations

import logging
from pathlib import Path

from ignite.engine import Events
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from ..networks.weights import save_weights
from .base import ResumableTrainer
from .parallel import is_first_process

logger = logging.getLogger(__name__)

Weights = tuple[Tensor, ...] | list[Tensor]


class AverageWeights:
    """Average the weights after every update, keep the average in the checkpoints, write it at the end.

    Buffers (such as the vectors of spectral norm) are those of the newest weights.

    Args:
        network: what to average.
        path: of the averaged weights, in the format of the network's own.
        decay: weight of the average against the newest, in [0, 1): it reaches back about 1 / (1 - decay) updates.
        name: of the average in a checkpoint.
        rise: 0: the decay is the same at all updates, so that a run of fewer updates than it reaches back ships much of
            what was known at its start; r: that of update n is at most (1 + n) / (r + n), so that a tenth of a run
            counts with r = 10, while the run is short.

    Raises:
        ValueError: for another `decay`, or a negative `rise`.
    """

    def __init__(
        self, network: nn.Module, path: str | Path, decay: float = 0.998, name: str = "average", rise: float = 0.0
    ) -> None:
        if not 0 <= decay < 1:
            raise ValueError(f"decay is {decay}: it must be in [0, 1); 0.998 averages over about 500 updates")
        if rise < 0:
            raise ValueError(f"rise is {rise}: give 0, or a number such as 10")
        self.network, self.path, self.name, self.decay, self.rise = network, Path(path), name, decay, rise
        self.average = AveragedModel(network, multi_avg_fn=self._average)

    def attach(self, engine: ResumableTrainer) -> None:
        """Follow a ResumableTrainer; stands before the handler that resumes."""
        engine.stateful[self.name] = self.average
        engine.add_event_handler(Events.ITERATION_COMPLETED, self._update)
        engine.add_event_handler(Events.COMPLETED, self._write)

    def _average(self, averaged: Weights, newest: Weights, updates: Tensor | int) -> None:
        """Move the averages, in place, towards the newest weights; `updates` are those that were averaged so far."""
        done = int(updates)
        get_ema_multi_avg_fn(min(self.decay, (1 + done) / max(self.rise + done, 1)))(averaged, newest, updates)

    def _update(self, _: ResumableTrainer) -> None:
        self.average.update_parameters(self.network)

    def _write(self, _: ResumableTrainer) -> None:
        if not is_first_process():
            return
        save_weights(self.average.module, self.path)
        logger.info("wrote %s", self.path)
