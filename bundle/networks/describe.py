# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Descriptions, {"_target_": dotted name of a class, argument: value, ...}: checked against a list, then built.

They come from files, so a name is looked up in the list before anything is imported, and what is imported must be the
class of that name which that very module defines.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from ..files.running_config import TARGET
from ..files.value_rules import check_value, quoted
from .known_networks import KNOWN_NETWORKS, SHORT_NAMES, Arguments

MOST_WEIGHTS = 500_000_000  # 2 GB in float32


def check_description(what: str, description: object, known: Mapping[str, Arguments]) -> str:
    """The full name of the class that a description names, once the list knows it with all its arguments.

    Args:
        what: "network" or "output", for messages.
        description: from a file; may be anything.
        known: dotted name -> argument -> what it may be.

    Raises:
        ValueError: no such class on the list, an argument that it does not take, or a value out of its range.
    """
    if not isinstance(description, Mapping):
        raise ValueError(f"{what} is {quoted(description)}: its {TARGET} must be one of {', '.join(known)}")
    target = description.get(TARGET)
    name = SHORT_NAMES.get(target, target) if isinstance(target, str) else None
    if name is None or name not in known:
        raise ValueError(
            f"{what} is {quoted(dict(description))}: {what} {quoted(target)} cannot be built with a description from a"
            f" file: its {TARGET} must be one of {', '.join(known)}"
        )
    rules = known[name]
    for argument, rule in rules.items():
        if rule.required and argument not in description:
            raise ValueError(f"{what} {name} cannot be built without {argument}: add it ({rule.wants})")
    for argument, value in description.items():
        if argument == TARGET:
            continue
        if argument not in rules:
            raise ValueError(
                f"{what} {name} cannot be built with {quoted(argument)}: its arguments here are {', '.join(rules)}"
            )
        check_value(f"{what} {name} cannot be built with these arguments: {argument}", value, rules[argument])
    return name


def build_known(what: str, description: Mapping[str, Any], known: Mapping[str, Arguments], base: type) -> Any:
    """What a description describes.

    Args:
        what: "network" or "output", for messages.
        description: as `check_description` takes it; it is checked first.
        known: dotted name -> argument -> what it may be.
        base: what the class must derive from.

    Raises:
        ValueError: as `check_description`; the arguments do not go together.
    """
    name = check_description(what, description, known)
    kind = known_class(name, base)
    arguments = {key: value for key, value in description.items() if key != TARGET}
    try:
        return kind(**arguments)
    except Exception as error:  # a network asked for shapes that do not fit raises anything
        raise ValueError(f"{what} {name} cannot be built with {quoted(arguments)}: {error}") from error


def known_class(name: str, base: type) -> type:
    """The class of a name from a list of known ones; ValueError where its module does not define it itself."""
    module, _, kind_name = name.rpartition(".")
    kind = getattr(importlib.import_module(module), kind_name, None)
    if not (isinstance(kind, type) and issubclass(kind, base) and f"{kind.__module__}.{kind.__qualname__}" == name):
        raise ValueError(f"{name} is no {base.__name__} of that module: install the versions of constraints.txt")
    return kind


def build_network(description: Mapping[str, Any]) -> nn.Module:
    """The network of a description, with fresh weights.

    Raises:
        ValueError: it is not on the list, its arguments do not go together, or it has more than `MOST_WEIGHTS` weights.
    """
    with torch.device("meta"):  # shapes alone, without memory
        outline = build_known("network", description, KNOWN_NETWORKS, nn.Module)
    count = sum(value.numel() for value in outline.state_dict().values())
    if count > MOST_WEIGHTS:
        raise ValueError(
            f"network {description[TARGET]} cannot be built with {quoted(dict(description))}: it would have {count:,}"
            f" weights, and at most {MOST_WEIGHTS:,} are allowed: use a narrower one"
        )
    return build_known("network", description, KNOWN_NETWORKS, nn.Module)
