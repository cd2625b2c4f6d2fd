# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Files of tensors: read with `weights_only=True`, so that they cannot run code; written whole or not at all."""

from __future__ import annotations

import errno
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ..files.atomic import write_whole
from ..files.integrity import ChangedFileError, check_archive, check_recorded


class CheckpointError(ValueError):
    """A checkpoint cannot be read, or belongs to another network or run."""


def save(content: Any, path: str | Path) -> None:
    """torch.save to a file that is there whole or not at all, even after `kill -9`; its folder is made if need be."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, lambda file: torch.save(content, file))


def read(path: str | Path) -> Any:
    """Load a file of tensors, numbers and strings onto the CPU.

    Raises:
        FileNotFoundError: when it is not there.
        CheckpointError: when it is damaged, was changed since it was written, or holds anything else.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"{path}: no such checkpoint or weights file")
    check_bytes(path)
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # wrong bytes make an unpickler raise anything
        if isinstance(error, OSError) and error.errno != errno.EINVAL:  # which torch gives for a file that is cut short
            raise
        kind = type(error).__name__  # torch's text advises to load without safety
        raise CheckpointError(f"{path}: damaged, or not a file of plain tensors; use another one ({kind})") from error


def check_bytes(path: str | os.PathLike[str]) -> None:
    """Raise CheckpointError where a file of tensors does not hold the bytes that were written."""
    try:
        if zipfile.is_zipfile(path):  # torch's older files are none
            check_archive(path)
        check_recorded(path)
    except ChangedFileError as error:
        raise CheckpointError(str(error)) from error


def check_weights(network: nn.Module, weights: Mapping[str, Tensor], source: str) -> None:
    """Raise CheckpointError, naming entries, when the weights of `source` are those of another network."""
    if not isinstance(weights, Mapping) or not all(isinstance(value, Tensor) for value in weights.values()):
        raise CheckpointError(f"{source}: no weights of a {type(network).__name__}: use another file")
    own = network.state_dict()
    reshaped = [key for key in own if key in weights and weights[key].shape != own[key].shape]
    differences = {
        "missing": [key for key in own if key not in weights],
        "unexpected": [key for key in weights if key not in own],
        "of another shape": [f"{key} {list(weights[key].shape)}, not {list(own[key].shape)}" for key in reshaped],
    }
    found = [f"{len(keys)} {kind} (such as {'; '.join(keys[:3])})" for kind, keys in differences.items() if keys]
    if found:
        raise CheckpointError(
            f"{source}: weights of another network than this {type(network).__name__}: {', '.join(found)}."
            " Set the network options (class, width, channels, norm) that it was trained with, or use another file"
        )


def save_weights(network: nn.Module, path: str | Path) -> None:
    """Write a network's flat state dict (the form of models/model.pt), whole or not at all."""
    save({key: value.detach().cpu() for key, value in network.state_dict().items()}, path)


def load_weights(network: nn.Module, path: str | Path) -> None:
    """Read a flat state dict into a network, strictly.

    Raises:
        FileNotFoundError: when it is not there.
        CheckpointError: when it is damaged, a whole training checkpoint, or of another network.
    """
    weights = read(path)
    if not isinstance(weights, dict) or not all(isinstance(value, Tensor) for value in weights.values()):
        raise CheckpointError(f"{path}: not a flat state dict: give a model file such as models/model.pt")
    check_weights(network, weights, str(path))
    network.load_state_dict(weights)
