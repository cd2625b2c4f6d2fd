# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Handlers that save, resume and export; a config chooses `Resume` or `StartAnew`.

In a list of handlers `Resume` or `StartAnew` comes first but for the log file, and `SaveCheckpoints` last.
"""

from __future__ import annotations

import logging
import time
from pathlib import Path

import ignite.distributed as idist
import torch
from ignite.engine import Events
from torch import nn

from ..networks.weights import save_weights
from .base import Reporter, ResumableTrainer
from .checkpoint import NAME, latest_checkpoint, list_checkpoints, load_checkpoint, save_checkpoint, step_of
from .losses import NonFiniteLossError
from .parallel import first_decides, is_first_process

logger = logging.getLogger(__name__)


class Resume:
    """Handler: go on from the newest whole checkpoint of a folder; from the start when there is none.

    Args:
        folder: where `SaveCheckpoints` writes; the same for all processes that train together.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)

    def attach(self, engine: ResumableTrainer) -> None:
        """Load when the run starts."""
        engine.add_event_handler(Events.STARTED, self)

    def __call__(self, engine: ResumableTrainer) -> None:
        """Load."""
        newest = latest_checkpoint(self.folder)
        step = int(first_decides(0 if newest is None else step_of(newest)))
        if step == 0:
            logger.info("nothing to resume in %s: starting at update 0", self.folder)
            return
        path = self.folder / NAME.format(step=step)
        load_checkpoint(engine.stateful, path)
        logger.info("resumed from %s at update %d of %d", path, step, engine.total_updates)


class StartAnew:
    """Handler: forget the checkpoints of an earlier run in a folder.

    Args:
        folder: where `SaveCheckpoints` writes; other files in it stay.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)

    def attach(self, engine: ResumableTrainer) -> None:
        """Remove when the run starts."""
        engine.add_event_handler(Events.STARTED, self)

    def __call__(self, _: ResumableTrainer) -> None:
        """Remove."""
        for path in list_checkpoints(self.folder) if is_first_process() else ():
            logger.warning("removing %s of an earlier run", path)
            path.unlink()
        idist.barrier()


class SaveCheckpoints:
    """Handler: write checkpoints while training, and one at the end.

    Args:
        folder: where to; made when it is not there.
        every: updates between two checkpoints.
        seconds: and at the latest after this time; None: by updates alone. Where several processes train together the
            first one's clock counts, which the others ask as often as losses are read.
        keep: checkpoints that stay.

    Raises:
        ValueError: when `every` or `keep` is below 1; when a run starts at update 0 in a folder with checkpoints.
    """

    def __init__(self, folder: str | Path, every: int = 500, seconds: float | None = None, keep: int = 2) -> None:
        if every < 1 or keep < 1:
            raise ValueError(f"checkpoints every {every} updates, keeping {keep}: both must be at least 1")
        self.folder, self.every, self.keep = Path(folder), every, keep
        self.seconds = float("inf") if seconds is None else seconds
        self._saved, self._time = 0, time.monotonic()

    def attach(self, engine: ResumableTrainer) -> None:
        """Save after updates, at an epoch's last one after the epoch's other handlers, and at the end."""
        engine.add_event_handler(Events.STARTED, self._start)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self._after_update)
        engine.add_event_handler(Events.EPOCH_COMPLETED, self._save_when_due)
        engine.add_event_handler(Events.COMPLETED, self._finish)

    def _start(self, engine: ResumableTrainer) -> None:
        self._saved, self._time = engine.state.iteration, time.monotonic()
        newest = latest_checkpoint(self.folder)
        if newest is not None and step_of(newest) > self._saved:
            raise ValueError(
                f"{self.folder} holds {newest.name} of an earlier run, and this run starts at update {self._saved}:"
                " resume it, choose another output folder, or remove the checkpoints"
            )

    def _after_update(self, engine: ResumableTrainer) -> None:
        if engine.state.iteration % engine.state.epoch_length:
            self._save_when_due(engine)

    def _save_when_due(self, engine: ResumableTrainer) -> None:
        if engine.state.iteration % self.every == 0 or self._overdue(engine):
            self._save(engine)

    def _overdue(self, engine: ResumableTrainer) -> bool:
        """Whether the last checkpoint is too old."""
        if idist.get_world_size() > 1 and engine.state.iteration % engine.log_every:
            return False
        return bool(first_decides(time.monotonic() - self._time >= self.seconds))

    def _finish(self, engine: ResumableTrainer) -> None:
        if engine.state.iteration > self._saved:
            self._save(engine)

    def _save(self, engine: ResumableTrainer) -> None:
        engine.check_finite()
        for name, network in engine.networks.items():
            check_weights_finite(name, network, engine.state.iteration)
        path = save_checkpoint(engine.stateful, engine.state.iteration, self.folder, self.keep)
        self._saved, self._time = engine.state.iteration, time.monotonic()
        logger.debug("saved %s", path)


def check_weights_finite(name: str, network: nn.Module, step: int) -> None:
    """Raise NonFiniteLossError when a weight is NaN or infinite: such a checkpoint would be worth nothing."""
    values = [(key, value) for key, value in network.state_dict().items() if value.is_floating_point()]
    finite = torch.stack([torch.isfinite(value).all() for _, value in values]).tolist()
    if not all(finite):
        key = values[finite.index(False)][0]
        raise NonFiniteLossError(
            f"training stopped: {key!r} of the {name} is not finite after update {step}; no checkpoint was written."
            " Resume from the last one with a lower learning rate or with precision float32"
        )


class ExportWeights(Reporter):
    """Handler: write a network's flat state dict when the training is complete.

    Args:
        network: what to write.
        path: such as models/model.pt; an older file there is replaced.
    """

    def __init__(self, network: nn.Module, path: str | Path) -> None:
        self.network, self.path = network, Path(path)

    def attach(self, engine: ResumableTrainer) -> None:
        """Write at the end of the run."""
        engine.add_event_handler(Events.COMPLETED, self)

    def __call__(self, _: ResumableTrainer) -> None:
        """Write."""
        save_weights(self.network, self.path)
        logger.info("wrote %s", self.path)
