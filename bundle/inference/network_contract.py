# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""What a segmenter's network must be, whoever wrote it: checked before training, on the description in a configuration.

It takes float (B, C, H, W) in [0, 1] and returns one float tensor (B, 3, H, W). It is described by its class, which is
one that a card may name, and by arguments that a JSON file can hold.
"""

from __future__ import annotations

import inspect
import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ..files.running_config import component
from ..networks.describe import build_network
from .model import describe_network


def build_apart(description: Mapping[str, Any]) -> nn.Module:
    """The network of a description; torch's random numbers stay as they were, so that training is not changed.

    Raises:
        ValueError: no card may name the class, it is not there, or it does not take the arguments.
    """
    with torch.random.fork_rng(devices=[]):
        return build_network(description)


def describe_component(description: Mapping[str, Any]) -> dict[str, Any]:
    """What a configuration says of a network, {"_target_": class, argument: value, ...}, as a card keeps it.

    Of our networks with the defaults of all `arguments`; of MONAI's, what is written. Errors as `build_apart`.
    """
    network = build_apart(description)
    return describe_network(network) if hasattr(network, "arguments") else dict(description)


def complete(description: Mapping[str, Any]) -> dict[str, Any]:
    """A description with the defaults of all arguments that it leaves out, so that two can be compared."""
    kind = type(build_apart(description))
    bound = inspect.signature(kind).bind(**{name: each for name, each in description.items() if name != "_target_"})
    bound.apply_defaults()
    return {"_target_": f"{kind.__module__}.{kind.__qualname__}", **json.loads(json.dumps(bound.arguments))}


def check_segmenter(description: Mapping[str, Any], channels: int, size: Sequence[int]) -> None:
    """Build a network and show it an empty image.

    Args:
        description: {"_target_": class, argument: value, ...}.
        channels: C of the image.
        size: H and W of the crops of training.

    Raises:
        ValueError: it cannot be built, fails on the image, or returns something else than one float (B, 3, H, W).
    """
    network, name = build_apart(description).eval(), description["_target_"]
    shown, wanted = (1, channels, *size), (1, 3, *size)
    contract = f"a segmenter takes float images (B, {channels}, H, W) and returns one float tensor (B, 3, H, W)"
    try:
        with torch.inference_mode():
            seen = network(torch.zeros(shown))
    except Exception as error:  # somebody's network may raise anything
        raise ValueError(f"{name} fails on an image {shown} ({error}): {contract}") from error
    found = f"shape {tuple(seen.shape)}" if isinstance(seen, Tensor) else f"a {type(seen).__name__}"
    if not isinstance(seen, Tensor) or seen.shape != wanted or not seen.is_floating_point():
        raise ValueError(f"{name} returns {found} for an image {shown}: {contract}; change its arguments")


def require_segmenter(name: str, channels: int, size: Sequence[int]) -> None:
    """Step of a configuration: end the process with one line where its network is no segmenter.

    Args:
        name: id of the network, such as "network_def".
        channels: C of the image.
        size: H and W of the crops of training.

    Raises:
        SystemExit: with the message of `check_segmenter`.
    """
    try:
        check_segmenter(component(name), channels, size)
    except ValueError as error:
        sys.exit(f"error: {name}: {error}")
