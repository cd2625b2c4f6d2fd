# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""A trained network as ONNX, for programs that run it without PyTorch. The packages onnx and onnxscript are needed.

The file holds the network alone: image (B, C, H, W) in [0, 1] at the model's spacing to (B, 3, H, W). Windows,
resampling and post-processing stay outside. Sides may have any length of at least the network's stride.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path

import torch

from ..files.atomic import write_whole
from ..files.optional import need
from ..files.quiet import silent
from ..inference.model import Model

EXAMPLE = (2, 64, 48)  # images, height, width that the network is traced with; none of them is kept
CHATTY = ("torch.onnx", "onnxscript", "onnx_ir")  # loggers
CARD = "model_card"  # key of the description among the file's metadata


def write_onnx(path: str | os.PathLike[str], model: Model) -> None:
    """Write a network with its weights and, as JSON among the metadata, the description of both.

    Args:
        path: the file, `.onnx`; its folder is made if need be.
        model: on the CPU, in evaluation mode.

    Raises:
        ValueError: a package is not installed, or the network cannot be written for images of any size.
    """
    need("onnx", "ONNX")
    need("onnxscript", "ONNX")
    images, height, width = EXAMPLE
    free = torch.export.Dim.DYNAMIC
    try:
        with silent(*CHATTY):
            program = torch.onnx.export(
                model.network,
                (torch.rand(images, model.card.channels, height, width),),
                input_names=["image"],
                output_names=["pred"],
                dynamic_shapes=({0: free, 2: free, 3: free},),
                dynamo=True,
                verbose=False,
            )
    except (torch.onnx.errors.OnnxExporterError, RuntimeError) as error:
        kind = type(model.network).__name__
        reason = str(error).strip().splitlines()[0]
        raise ValueError(f"{kind} cannot be written as ONNX for images of any size ({reason})") from error
    assert program is not None  # a path would give None
    content = program.model_proto
    entry = content.metadata_props.add()
    entry.key, entry.value = CARD, json.dumps(asdict(model.card))
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, lambda stream: stream.write(content.SerializeToString()))
