# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""What both trainers share: an ignite engine that can be cut at any update and resumed as if nothing had happened.

The position in the stream is the engine's own count of finished updates, set whenever the stream is iterated anew, so
epochs, a resumed run and a run from the start all see the same batches.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import torch
from ignite.engine import Engine, EventEnum, Events
from monai.engines import Trainer
from torch import Tensor, nn

from ..networks.device import Precision, resolve_device
from ..networks.memory import keep_freed_memory
from .losses import LossWindow
from .lost_process import watch_processes
from .parallel import is_first_process, replicate
from .random_state import RandomState


class TrainingEvents(EventEnum):
    """Events beside ignite's: `state.losses` holds a new LossReading; the run has ended, well or not."""

    LOSSES_READ = "losses_read"
    RUN_ENDED = "run_ended"


class Reporter:
    """A handler that only tells and writes: of several processes the first alone attaches it.

    It has no state in the checkpoints and asks for nothing that all processes must ask for together, such as
    `check_finite`. All other handlers act on the training or are part of its state: every process attaches them, so
    that all go on alike, and if they write, they leave it to the first.
    """


class Stream(Protocol):
    """Training batches on the device, each a dict of tensors that depends on its update's number alone."""

    def __len__(self) -> int:
        """Updates of an epoch."""

    def __iter__(self) -> Iterator[dict[str, Tensor]]:
        """Their batches, from the position on."""

    def set_position(self, step: int) -> None:
        """Go on with update `step`, counted from 0 over all epochs."""


class PositionedStream(Iterable[dict[str, Tensor]]):
    """The stream as ignite iterates it: always from the number of updates that the engine has finished."""

    def __init__(self, stream: Stream, engine: Engine) -> None:
        self.stream, self.engine = stream, engine

    def __len__(self) -> int:
        return len(self.stream)

    def __iter__(self) -> Iterator[dict[str, Tensor]]:
        self.stream.set_position(self.engine.state.iteration)
        return iter(self.stream)


class ResumableTrainer(Trainer):
    """A trainer whose whole state is in `stateful`, and whose losses are read once per `log_every` updates.

    A subclass returns named scalar loss terms from `_iteration`, and attaches its handlers when it is complete. Where
    several processes train together, an update calls `replicas` for what is to learn, and `networks` for the rest.

    Args:
        device: where to train, as `resolve_device` takes it.
        max_epochs: epochs in all, counted from the start also when resumed.
        train_data_loader: the stream; its length is the epoch's.
        networks: by the names they have in a checkpoint.
        stateful: further objects with `state_dict` and `load_state_dict` that belong into a checkpoint, by name.
        precision: as `choose_precision` takes it.
        log_every: updates between two readings of the losses.
    """

    def __init__(
        self,
        device: str | torch.device,
        max_epochs: int,
        train_data_loader: Stream,
        networks: Mapping[str, nn.Module],
        stateful: Mapping[str, Any],
        precision: str,
        log_every: int,
    ) -> None:
        keep_freed_memory()
        device = resolve_device(device)
        super().__init__(
            device=device,
            max_epochs=max_epochs,
            data_loader=PositionedStream(train_data_loader, self),
            event_names=[TrainingEvents],
            decollate=False,
        )
        self.logger.setLevel(logging.WARNING)  # ignite logs every epoch, and an epoch may be three updates
        self.precision, self.log_every = Precision(device, precision), log_every
        self.networks, self.window = dict(networks), LossWindow()
        self.replicas = dict(networks)  # while it trains: the networks, so wrapped that processes share gradients
        self.stateful = {
            **networks,
            **stateful,
            "scaler": self.precision,
            "losses": self.window,
            "random": RandomState(),
            "trainer": self,
        }
        self.state.seconds, self._last_time = 0.0, time.monotonic()
        self.state_dict_user_keys.append("seconds")
        self.add_event_handler(Events.STARTED, self._start)
        self.add_event_handler(Events.ITERATION_COMPLETED, self._collect)
        self.add_event_handler(Events.COMPLETED, self._read_losses)

    @property
    def total_updates(self) -> int:
        """Updates in the whole run."""
        return self.state.max_epochs * self.state.epoch_length

    def run(self) -> None:  # type: ignore[override]
        """Train to the end, or from a resumed position to the end; 0 epochs: do nothing.

        Raises:
            LostProcessError: another process of this training is gone.
        """
        if self.state.max_epochs == 0:
            return
        self.replicas = {name: replicate(network) for name, network in self.networks.items()}
        try:
            with watch_processes():
                super().run()
        finally:
            self.replicas = dict(self.networks)
            self.fire_event(TrainingEvents.RUN_ENDED)

    def check_finite(self) -> None:
        """Raise NonFiniteLossError when a loss since the last reading is not finite; all processes must call it."""
        self.window.check(self.state.iteration, self.state.epoch_length)

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Move to a saved position; `max_epochs` stays this run's own.

        Raises:
            ValueError: when the saved run had epochs of another length, or is beyond this run's end.
        """
        length, end = self.state.epoch_length, self.state.max_epochs
        if state["epoch_length"] != length:
            raise ValueError(
                f"its epochs have {state['epoch_length']} updates, this run's {length}: resume with the same training"
                " images, crops per epoch and batch size, or start in another folder"
            )
        if state["iteration"] > length * end:
            raise ValueError(
                f"it is at update {state['iteration']}, beyond this run's end at {length * end}: raise max_epochs"
                f" (now {end}) or start in another folder"
            )
        super().load_state_dict({**state, "max_epochs": end})

    def _start(self, _: Engine) -> None:
        self._last_time = time.monotonic()
        for network in self.networks.values():
            network.train()

    def _collect(self, engine: Engine) -> None:
        self.window.add(self.state.output)
        now = time.monotonic()
        self.state.seconds, self._last_time = self.state.seconds + now - self._last_time, now
        if self.state.iteration % self.log_every == 0:
            self._read_losses(engine)

    def _read_losses(self, _: Engine) -> None:
        if not len(self.window):
            return
        self.check_finite()
        self.state.losses = self.window.read(self.state.iteration)
        self.fire_event(TrainingEvents.LOSSES_READ)

    def sample_images(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Columns of a picture for `TensorBoard`: images or hover maps of a batch, by name, on the device."""
        raise NotImplementedError(f"{type(self).__name__} has no sample images")

    def attach_handlers(self, handlers: Sequence[Any] | None) -> None:
        """Attach a config's handlers, once the subclass is complete; reporters in the first process alone."""
        first = is_first_process()
        self._register_handlers([handler for handler in handlers or [] if first or not isinstance(handler, Reporter)])
