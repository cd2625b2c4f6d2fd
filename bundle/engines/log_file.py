# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Handler that keeps the log of a run in a file, with what is needed to repeat the run in its first lines."""

from __future__ import annotations

import contextlib
import json
import logging
import platform
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import ignite
import ignite.distributed as idist
import monai
import numpy as np
import torch
from ignite.engine import Events

from ..files.log_lines import PlainFormatter
from ..networks.device import describe_device
from .base import Reporter, ResumableTrainer, TrainingEvents

logger = logging.getLogger(__name__)


class LogFile(Reporter):
    """Handler: everything that is logged during the run, in a file that begins with versions, device and settings.

    First in a list of handlers. A resumed run adds to the file.

    Args:
        path: the file, such as train.log in the stage's folder.
        settings: what a reader should know of the configuration, anything that JSON can hold.
    """

    def __init__(self, path: str | Path, settings: Mapping[str, Any] | None = None) -> None:
        self.path, self.settings = Path(path), dict(settings or {})
        self.handler: logging.Handler | None = None

    def attach(self, engine: ResumableTrainer) -> None:
        """Open the file when the run starts, close it when it ends, well or not."""
        engine.add_event_handler(Events.STARTED, self._open)
        engine.add_event_handler(TrainingEvents.RUN_ENDED, self._close)

    def _open(self, engine: ResumableTrainer) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.handler = _File(self.path, encoding="utf-8")
        self.handler.setFormatter(PlainFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
        logging.getLogger().addHandler(self.handler)
        own = logging.getLogger(__name__.split(".")[0])
        own.setLevel(min(own.getEffectiveLevel(), logging.INFO))
        for line in self.head(engine):
            logger.info(line)

    def head(self, engine: ResumableTrainer) -> list[str]:
        """The first lines."""
        packages = {"torch": torch, "monai": monai, "ignite": ignite, "numpy": np}
        versions = ", ".join(f"{name} {package.__version__}" for name, package in packages.items())
        processes = f" in {idist.get_world_size()} processes" if idist.get_world_size() > 1 else ""
        state, size = engine.state, {name: count_parameters(net) for name, net in engine.networks.items()}
        return [
            f"versions: python {platform.python_version()}, {versions}; {platform.platform()}",
            f"device: {describe_device(state.device)}, precision {engine.precision.choice}",
            f"settings: {json.dumps(self.settings, default=str, sort_keys=True)}",
            f"parameters: {', '.join(f'{name} {count:,}' for name, count in size.items())}",
            f"run: {state.max_epochs} epochs of {state.epoch_length} updates{processes}",
        ]

    def _close(self, _: ResumableTrainer) -> None:
        if self.handler is not None:
            logging.getLogger().removeHandler(self.handler)
            self.handler.close()
            self.handler = None


class _File(logging.FileHandler):
    """A file that says once why it cannot be written, such as a full disk, in place of a traceback for each line."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """Stop writing."""
        error = sys.exception()
        if not isinstance(error, OSError):
            super().handleError(record)
            return
        logging.getLogger().removeHandler(self)
        logger.warning("%s: %s: the log goes on without this file", self.baseFilename, error.strerror)

    def close(self) -> None:
        """Close; what could not be written has been said."""
        with contextlib.suppress(OSError):
            super().close()


def count_parameters(network: torch.nn.Module) -> int:
    """Numbers that a network can learn."""
    return sum(parameter.numel() for parameter in network.parameters())
