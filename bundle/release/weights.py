# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Trained weights as they ship in models/: half the precision, and a description that says what they measure.

What is measured is the file that ships, read back, on the held-out images of the data that it was trained on.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..data.folder import DataFolder
from ..files.atomic import write_whole
from ..files.leftovers import scratch_folder
from ..files.provenance import sha256
from ..inference.batch import BatchSegmenter
from ..inference.evaluation import Evaluation
from ..inference.model import ModelCard, load_network, segmenter_of, write_card
from ..metrics import MAIN_COLUMNS, summarise
from ..networks.weights import save


def write_release(
    weights: str | os.PathLike[str], path: str | os.PathLike[str], folder: DataFolder, notes: Mapping[str, str]
) -> ModelCard:
    """Write weights as float16 with their description, and measure them on the testing images.

    Args:
        weights: a trained model, with its description beside it.
        path: file to write, ending in .pt; its description gets the same name and .json.
        folder: the data set whose testing images have labels.
        notes: for people: what they were trained on, under which terms, how.

    Returns:
        The description as written; its notes hold `notes`, `measured` (metric -> mean and sd over images), `images`
        and `sha256` of the file.

    Raises:
        FileExistsError: there is such a file: remove it first.
        FileNotFoundError, ValueError: as `load_network`; a weight is beyond float16; no testing image has a label.
    """
    path = Path(path)
    if path.exists():
        raise FileExistsError(f"{path}: is there already, and weights that may be in use are not replaced: remove it")
    if not any(item.label_path for item in folder.testing):
        raise ValueError(f"{folder.dataset_dir}: no testing image has a label to measure {weights} with")
    trained = load_network(weights)
    with scratch_folder("release") as scratch:  # where it fails, nothing is in the way of the next try
        draft = scratch / path.name
        save({name: halved(name, value) for name, value in trained.network.state_dict().items()}, draft)
        card = replace(trained.card, notes={**notes, "sha256": sha256(draft)})
        write_card(draft, card)
        rows = measure_testing_images(draft, folder)
        content = draft.read_bytes()
    summary = {
        metric: {name: _rounded(float(entry[name])) for name in ("mean", "sd")}
        for metric, entry in summarise(rows).items()
        if metric in MAIN_COLUMNS
    }
    card = replace(card, notes={**card.notes, "images": len(rows), "measured": summary})
    write_card(path, card)
    write_whole(path, lambda stream: stream.write(content))
    return card


def _rounded(value: float) -> float | None:
    """As JSON takes it: None for what is not defined, such as the deviation over one image."""
    return round(value, 4) if math.isfinite(value) else None


def halved(name: str, value: Tensor) -> Tensor:
    """A weight as float16, whole numbers as they are.

    Raises:
        ValueError: it is beyond float16.
    """
    if not value.is_floating_point():
        return value
    half = value.to(torch.float16)
    if not half.isfinite().all():
        raise ValueError(f"weight {name} holds values up to {float(value.abs().max()):g}, which float16 cannot hold")
    return half


def measure_testing_images(weights: Path, folder: DataFolder) -> list[dict[str, Any]]:
    """Metrics of each testing image, as `Evaluation` gives them, with nothing kept of the predictions."""
    segmenter = segmenter_of(load_network(weights))
    with scratch_folder("release") as scratch:
        return Evaluation(folder, BatchSegmenter(segmenter, scratch, folder.mpp)).run()
