# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Handler for TensorBoard: loss terms, learning rates and sample images of a trainer.

monai's TensorBoardStatsHandler reads one number after the other off the device and knows nothing of a resumed run;
its image handler shows single channels, not hover maps in colour.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from ignite.engine import Events
from torch import Tensor
from torch.utils.tensorboard import SummaryWriter

from .base import Reporter, ResumableTrainer, TrainingEvents


class TensorBoard(Reporter):
    """Write curves at every reading of the losses, and now and then a picture of a few samples.

    Args:
        folder: the log folder to point TensorBoard at.
        images_every: updates between two pictures.
        samples: rows of a picture.
    """

    def __init__(self, folder: str | Path, images_every: int = 500, samples: int = 4) -> None:
        self.folder, self.images_every, self.samples = Path(folder), images_every, samples
        self.writer: SummaryWriter | None = None

    def attach(self, engine: ResumableTrainer) -> None:
        """Follow a ResumableTrainer that has `sample_images`."""
        engine.add_event_handler(TrainingEvents.LOSSES_READ, self._curves)
        engine.add_event_handler(Events.ITERATION_COMPLETED(every=self.images_every), self._picture)
        engine.add_event_handler(TrainingEvents.RUN_ENDED, self._close)

    def _open(self, step: int) -> SummaryWriter:
        """The writer; what a cut run wrote from `step` on is hidden."""
        if self.writer is None:
            self.writer = SummaryWriter(str(self.folder), purge_step=step)
        return self.writer

    def _curves(self, engine: ResumableTrainer) -> None:
        reading = engine.state.losses
        writer = self._open(reading.first)
        for name, value in reading.means.items():
            writer.add_scalar(f"loss/{name}", value, reading.last)
        for name, thing in engine.stateful.items():
            if isinstance(thing, torch.optim.Optimizer):
                writer.add_scalar(f"learning_rate/{name}", thing.param_groups[0]["lr"], reading.last)

    def _picture(self, engine: ResumableTrainer) -> None:
        batch = {name: tensor[: self.samples] for name, tensor in engine.state.batch.items()}
        columns = engine.sample_images(batch)
        picture = montage(columns)
        self._open(engine.state.iteration).add_image(" | ".join(columns), picture, engine.state.iteration)

    def _close(self, _: ResumableTrainer) -> None:
        if self.writer is not None:
            self.writer.close()
            self.writer = None


def montage(columns: Mapping[str, Tensor]) -> Tensor:
    """Columns of images (B, 1 or 3, H, W) in [0, 1], or hover maps (name ends in "map"), as one (3, B H, n W)."""
    painted = []
    for name, images in columns.items():
        images = images.float().cpu()
        if name.endswith("map"):
            images = torch.cat([(images[:, :2] + 1) / 2, images[:, 2:]], dim=1)
        painted.append(torch.cat(list(images.expand(-1, 3, -1, -1)), dim=1))  # (3, B H, W)
    return torch.cat(painted, dim=2).clamp(0, 1)
