# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The MONAI configuration that is being run, seen from inside: misspelt ids, and components as they are written there.

`python -m monai.bundle run` takes any `--name value`, adds it to the configuration, and says nothing where no part of
it is called so. And a component is known to an expression only as the object that it became, not by its arguments.
MONAI hands its parser to no expression, so it is taken from the call stack, where it is the one that evaluates.
"""

from __future__ import annotations

import difflib
import inspect
import json
import re
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from monai.bundle import ConfigParser
from monai.bundle.utils import DEFAULT_MLFLOW_SETTINGS

from .error_lines import end_in_one_line

TARGET = "_target_"
CONFIGS = Path(__file__).resolve().parents[2] / "configs"
NO_WORKFLOW = ("metadata.json", "splits")  # in that folder, but without ids


def running_parser() -> ConfigParser:
    """The parser whose expression is being evaluated.

    Raises:
        RuntimeError: none is; only an expression of a configuration may ask.
    """
    frame = inspect.currentframe()
    while frame is not None:
        parser = frame.f_locals.get("self")
        if isinstance(parser, ConfigParser):
            return parser
        frame = frame.f_back
    raise RuntimeError("no configuration is being run: call this from an expression of a configuration")


def require_known_ids() -> None:
    """First step of a configuration: end the process with one line where an id of it is known to none of our files.

    Ids of your own pass where something in the configuration refers to them. Later errors, too, end in one line.

    Raises:
        SystemExit: names the ids, and the known ones that are nearest.
    """
    end_in_one_line()
    config: Mapping[str, Any] = running_parser().get()
    unknown: list[str] = []
    for name in ids(config):  # what is above comes first, and stands for what is below
        if not is_known(name, config) and not any(name.startswith(f"{each}::") for each in unknown):
            unknown.append(name)
    if unknown:
        sys.exit("error: " + "; ".join(f"the configuration knows no --{name}{nearest(name)}" for name in unknown))


def is_known(name: str, config: Mapping[str, Any]) -> bool:
    """Whether a file of ours has an id, or holds it inside of a component, or the configuration refers to it."""
    parts = name.split("::")
    above = ["::".join(parts[:length]) for length in range(1, len(parts) + 1)]
    leaves, blocks = known_ids()
    return name in blocks or any(each in leaves or is_referred_to(each, config) for each in above)


def nearest(name: str) -> str:
    """What to add to a message: the known id that is spelt most like `name`, or a hint where to look."""
    close = difflib.get_close_matches(name, set().union(*known_ids()), n=1, cutoff=0.6)
    return f": did you mean --{close[0]}?" if close else ": its files in configs/ list what there is"


def ids(config: Mapping[str, Any], above: str = "") -> Iterator[str]:
    """All ids of a configuration down to components, whose arguments are their own affair; MONAI's own (_meta_) not."""
    for key, value in config.items():
        name = f"{above}{key.removeprefix('+')}"
        if not key.startswith("_"):
            yield name
            if isinstance(value, Mapping) and TARGET not in value:
                yield from ids(value, f"{name}::")


@cache
def known_ids() -> tuple[frozenset[str], frozenset[str]]:
    """Ids of the files in configs/, and those that MONAI adds to track experiments: values, and blocks of further ids.

    Ids such as "train" hold others; everything below an id such as "network_def" belongs to what that is.
    """
    tracking: Any = DEFAULT_MLFLOW_SETTINGS["configs"]
    configs: list[Mapping[str, Any]] = [tracking]
    for path in sorted(CONFIGS.rglob("*.*")):
        inside = path.relative_to(CONFIGS).parts
        if path.suffix in (".json", ".yaml") and inside[0] not in NO_WORKFLOW:
            configs.append(ConfigParser.load_config_file(str(path)))
    names = {name for config in configs for name in ids(config)}
    blocks = {name.rpartition("::")[0] for name in names} - {""}
    return frozenset(names - blocks), frozenset(blocks)


def is_referred_to(name: str, config: Mapping[str, Any]) -> bool:
    """Whether a text in the configuration refers to an id, as @name or %name."""
    reference = re.compile(rf"[@%]{re.escape(name)}(?!\w)")
    return any(reference.search(text) for text in _texts(config))


def _texts(config: Any) -> Iterator[str]:
    if isinstance(config, str):
        yield config
    elif isinstance(config, Mapping | list):
        for value in config.values() if isinstance(config, Mapping) else config:
            yield from _texts(value)


def component(name: str) -> dict[str, Any]:
    """A component of the configuration that is being run as a description: its class, and its arguments as values.

    Args:
        name: id of the component, such as "network_def".

    Returns:
        "_target_" -> dotted name; argument -> value, of numbers, texts, lists and dictionaries alone.

    Raises:
        ValueError: it is no component, or an argument cannot be written into a file.
    """
    return described(running_parser(), name)


def described(parser: ConfigParser, name: str) -> dict[str, Any]:
    """`component` of a given parser."""
    written = parser.get(name)
    if isinstance(written, str) and written.startswith("@"):
        return described(parser, written[1:])
    if not isinstance(written, Mapping) or not isinstance(written.get(TARGET), str):
        raise ValueError(f"{name} is {written!r}: give its class as {TARGET}, and its arguments beside it")
    arguments = {
        key: parser.get_parsed_content(f"{name}::{key}") for key in written if not str(key).startswith("_")
    }  # what begins with an underscore is MONAI's
    for key, value in arguments.items():
        try:
            arguments[key] = json.loads(json.dumps(value))
        except TypeError as error:
            raise ValueError(
                f"{name}::{key} is {value!r}, which model.json cannot hold: use numbers, texts and lists"
                " (MONAI's layers can be given by name, such as 'PRELU')"
            ) from error
    return {TARGET: written[TARGET], **arguments}
