# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Checkpoints: everything a trainer is, in one file that holds only tensors, numbers and strings.

A name that ends in .pt is always a whole file. It is read with `weights_only=True`, so that it cannot run code.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import ignite
import monai
import torch
from torch import Tensor, nn

from ..files.integrity import ChangedFileError, check_archive
from ..files.leftovers import TEMPORARY
from ..networks.weights import CheckpointError, check_weights, read, save
from .parallel import is_first_process

logger = logging.getLogger(__name__)

FORMAT = "trainer checkpoint 1"
NAME = "checkpoint_{step:08d}.pt"


def save_checkpoint(stateful: Mapping[str, Any], step: int, folder: str | Path, keep: int) -> Path:
    """Write the state of every object; then remove all but the newest `keep` checkpoints, and unfinished files.

    Several processes that train together must all call this; the first one writes. What it writes does not tell how
    many they were, so any number of processes can go on from it.

    Args:
        stateful: name -> object with `state_dict`.
        step: finished updates.
        folder: made when it is not there.
        keep: checkpoints that stay, >= 1.
    """
    packages = {"torch": torch, "monai": monai, "ignite": ignite}
    versions = {name: str(package.__version__) for name, package in packages.items()}
    state = {name: plain_state(thing.state_dict()) for name, thing in stateful.items()}
    path = Path(folder) / NAME.format(step=step)
    if not is_first_process():
        return path
    save({"format": FORMAT, "step": step, "versions": versions, "state": state}, path)
    kept = [file for file in list_checkpoints(folder) if step_of(file) <= step][-keep:]
    for file in [*list_checkpoints(folder), *Path(folder).glob(f".checkpoint_*{TEMPORARY}")]:
        if file not in kept:
            file.unlink(missing_ok=True)
    return path


def plain_state(value: Any) -> Any:
    """Nested state as dict, list, tuple and leaves: without subclasses that only Python's pickle knows."""
    if isinstance(value, Mapping):
        return {key: plain_state(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain_state(item) for item in value]
    return value.detach() if isinstance(value, Tensor) else value


def list_checkpoints(folder: str | Path) -> list[Path]:
    """All checkpoints of a folder, the oldest update first; a folder that is not there has none."""
    return sorted(Path(folder).glob(f"checkpoint_{'[0-9]' * 8}.pt"))


def step_of(checkpoint: Path) -> int:
    """Finished updates, from a checkpoint's name."""
    return int(checkpoint.stem.removeprefix("checkpoint_"))


def latest_checkpoint(folder: str | Path) -> Path | None:
    """The newest whole checkpoint of a folder; damaged ones are passed over with a warning. None: there is none."""
    for path in reversed(list_checkpoints(folder)):
        try:
            check_archive(path)
            return path
        except ChangedFileError as error:
            logger.warning("passed over: %s", error)
    return None


def load_checkpoint(stateful: Mapping[str, Any], path: str | Path) -> int:
    """Put a checkpoint's state into the objects; nothing changes when a network does not fit.

    Args:
        stateful: name -> object with `load_state_dict`, the same names as in the file.
        path: the file.

    Returns:
        finished updates.

    Raises:
        FileNotFoundError: when it is not there.
        CheckpointError: when it is damaged, no checkpoint, or one of another network or run.
    """
    content = read(path)
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise CheckpointError(f"{path}: not a training checkpoint; resume from a {NAME.format(step=0)} of this stage")
    state, step = content.get("state"), content.get("step")
    if not isinstance(state, dict) or not isinstance(step, int) or isinstance(step, bool):
        raise CheckpointError(f"{path}: its state or its step is missing: use another one")
    if set(state) != set(stateful):
        raise CheckpointError(
            f"{path}: of another kind of training; it holds {sorted(state)}, this one needs {sorted(stateful)}."
            " Resume from this stage's own folder, or start in an empty one"
        )
    for name, thing in stateful.items():
        if isinstance(thing, nn.Module):
            check_weights(thing, state[name], f"{path} ({name})")
    for name, thing in stateful.items():
        try:
            thing.load_state_dict(state[name])
        except Exception as error:  # state of another form makes an optimizer raise anything
            raise CheckpointError(f"{path}: its {name} does not fit this run: {error}") from error
    return step
