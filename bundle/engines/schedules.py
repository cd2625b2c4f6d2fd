# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Learning rates and frozen parts as functions of the update alone: nothing to save, nothing to lose on resume."""

from __future__ import annotations

import logging
import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from ignite.engine import Events
from torch import nn
from torch.optim import Optimizer

from .base import ResumableTrainer

logger = logging.getLogger(__name__)


class RateSchedule(ABC):
    """Handler: each optimizer's own learning rate times a factor that depends on the update alone.

    Args:
        optimizers: their learning rates when this is made are those that the factor multiplies.
    """

    def __init__(self, optimizers: Sequence[Optimizer]) -> None:
        self.optimizers = list(optimizers)
        self.rates = [[float(group["lr"]) for group in optimizer.param_groups] for optimizer in optimizers]

    @abstractmethod
    def factor(self, step: int, total: int) -> float:
        """What update `step`, counted from 0, of `total` multiplies the learning rates with, in (0, 1]."""

    def attach(self, engine: ResumableTrainer) -> None:
        """Set the learning rates before every update of a ResumableTrainer."""
        engine.add_event_handler(Events.ITERATION_STARTED, self)

    def __call__(self, engine: ResumableTrainer) -> None:
        """Set the learning rates of the update that starts."""
        factor = self.factor(engine.state.iteration - 1, engine.total_updates)
        for optimizer, rates in zip(self.optimizers, self.rates, strict=True):
            for group, learning_rate in zip(optimizer.param_groups, rates, strict=True):
                group["lr"] = learning_rate * factor


class LinearDecay(RateSchedule):
    """Constant at first, then linear to 0 at the end of the run.

    Args:
        optimizers: as for `RateSchedule`.
        constant: part of the run before the decay sets in, in [0, 1); .75 in the paper.

    Raises:
        ValueError: for another `constant`.
    """

    def __init__(self, optimizers: Sequence[Optimizer], constant: float = 0.75) -> None:
        super().__init__(optimizers)
        if not 0 <= constant < 1:
            raise ValueError(f"constant is {constant}: the part of the run before the decay must be in [0, 1)")
        self.constant = constant

    def factor(self, step: int, total: int) -> float:
        """As `RateSchedule.factor`."""
        return min(1.0, (1 - step / total) / (1 - self.constant))


class WarmUpCosine(RateSchedule):
    """Linear up from near 0, then half a cosine down to 0 at the end of the run (Loshchilov and Hutter 2017).

    Args:
        optimizers: as for `RateSchedule`.
        warm_up: updates on the way up; at most a tenth of a run, so that a short one still learns.

    Raises:
        ValueError: `warm_up` is negative.
    """

    def __init__(self, optimizers: Sequence[Optimizer], warm_up: int = 200) -> None:
        super().__init__(optimizers)
        if warm_up < 0:
            raise ValueError(f"warm_up is {warm_up}: give a number of updates, 0 or more")
        self.warm_up = warm_up

    def factor(self, step: int, total: int) -> float:
        """As `RateSchedule.factor`."""
        rise = min(self.warm_up, total // 10)
        if step < rise:
            return (step + 1) / (rise + 1)
        return (1 + math.cos(math.pi * (step - rise) / (total - rise))) / 2


@dataclass(frozen=True)
class Phase:
    """A part of a segmenter's training (METHOD section 6).

    Args:
        epochs: its length.
        drop_after: epochs of it at `learning_rate`; the rest has `dropped_rate`.
        learning_rate: Adam's, at first.
        dropped_rate: Adam's, after the drop.
        frozen: parts of the network, by attribute name, that do not learn in this phase.
    """

    epochs: float
    drop_after: float
    learning_rate: float = 1e-3
    dropped_rate: float = 1e-4
    frozen: Sequence[str] = ()

    def __post_init__(self) -> None:
        if self.epochs <= 0 or self.drop_after < 0:
            raise ValueError(f"{self}: epochs must be above 0 and drop_after not below")


def without_freezing(phases: Sequence[Phase]) -> Phase:
    """One phase of the summed budget in which everything learns: rates of the first and of the last."""
    return Phase(
        epochs=sum(phase.epochs for phase in phases),
        drop_after=sum(min(phase.drop_after, phase.epochs) for phase in phases),
        learning_rate=phases[0].learning_rate,
        dropped_rate=phases[-1].dropped_rate,
    )


class PhaseSchedule:
    """Handler: who learns, and how fast, phase by phase.

    Phases are stretched together to the trainer's `max_epochs`. Freezing means something only for an encoder that
    comes with weights: without them, one phase of the summed length trains everything, and the log says so.

    Args:
        network: what is trained.
        optimizer: over all its parameters; all its groups get the phase's learning rate.
        phases: in order.
        encoder_weights: file that the network's encoder was loaded from; None or "": it starts from nothing.

    Raises:
        ValueError: without a phase, or when a phase freezes what the network does not have.
    """

    def __init__(
        self, network: nn.Module, optimizer: Optimizer, phases: Sequence[Phase], encoder_weights: str | None = None
    ) -> None:
        if not phases:
            raise ValueError("no training phases: give at least one")
        self.network, self.optimizer, self.encoder_weights = network, optimizer, encoder_weights
        self.phases = list(phases) if encoder_weights else [without_freezing(phases)]
        parts = {name for name, _ in network.named_children()}
        for phase in self.phases:
            if not parts.issuperset(phase.frozen):
                raise ValueError(f"{phase} freezes what {type(network).__name__} has not; its parts: {sorted(parts)}")
        self.current: Phase | None = None

    def attach(self, engine: ResumableTrainer) -> None:
        """Set learning rates and frozen parts before every update of a ResumableTrainer."""
        engine.add_event_handler(Events.STARTED, self._say)
        engine.add_event_handler(Events.ITERATION_STARTED, self)

    def place(self, step: int, total: int) -> tuple[Phase, float]:
        """Phase and learning rate of update `step`, counted from 0, of `total`."""
        epoch = step * sum(phase.epochs for phase in self.phases) / total
        for phase in self.phases:
            if epoch < phase.epochs:
                break
            epoch -= phase.epochs
        return phase, phase.learning_rate if epoch < phase.drop_after else phase.dropped_rate

    def __call__(self, engine: ResumableTrainer) -> None:
        """Set up the update that starts."""
        phase, learning_rate = self.place(engine.state.iteration - 1, engine.total_updates)
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate
        if phase is not self.current:
            self._enter(phase)

    def _enter(self, phase: Phase) -> None:
        self.current = phase
        for name, part in self.network.named_children():
            part.requires_grad_(name not in phase.frozen)
        logger.info("phase %d of %d: frozen: %s", self.phases.index(phase) + 1, len(self.phases), list(phase.frozen))

    def _say(self, engine: ResumableTrainer) -> None:
        if self.encoder_weights:
            logger.info("encoder weights: %s; training in %d phases", self.encoder_weights, len(self.phases))
        else:
            logger.info("no encoder weights: all parameters train for %d epochs", engine.state.max_epochs)
