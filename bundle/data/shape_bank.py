# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The shapes of the objects of labelled images, kept in a file, so that a later stage draws from the same ones."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor
from transforms.shapes.real_shapes import measure_shapes

from ..networks.weights import CheckpointError, read, save
from .training_images import LabelledTrainingImage

logger = logging.getLogger(__name__)


def write_shapes(training_images: Sequence[LabelledTrainingImage], diameter: float, path: str | Path) -> Tensor:
    """Measure the shapes of all objects and write them.

    Args:
        training_images: labelled images at the model's spacing.
        diameter: typical of an object, px at that spacing.
        path: the file.

    Returns:
        (M, 3 + 2K) as `measure_shapes`.
    """
    labels = [training_images[index].label for index in range(len(training_images))]
    bank = torch.cat([measure_shapes(label, diameter) for label in labels])
    save(bank, path)
    logger.info("%d shapes of real objects in %s", len(bank), path)
    return bank


def read_shapes(path: str | Path) -> Tensor:
    """What `write_shapes` wrote; FileNotFoundError or CheckpointError where it is not there or something else."""
    bank = read(path)
    if not isinstance(bank, Tensor) or bank.ndim != 2 or bank.shape[1] < 3 or bank.shape[1] % 2 == 0:
        raise CheckpointError(f"{path}: holds no shapes of objects: name what stage 1 wrote with the same variant")
    return bank
