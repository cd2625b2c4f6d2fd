# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""What a stage is told: configuration files laid over each other, overrides, and paths that the parser cannot spoil.

MONAI's parser reads `#` as `::`, `@name` as a reference, a leading `%` as a macro and a leading `$` as code, in every
string, file names included. A path therefore goes in as an expression with those characters escaped, and with the
semicolon that separates overrides.
"""

from __future__ import annotations

import ast
import difflib
import json
import os
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from monai.bundle import ConfigParser

from ..files.value_rules import quoted

RESERVED = {"bundle_root", "dataset_dir", "output_dir", "device", "resume"}  # the pipeline's own, for every stage
REFERENCE = re.compile(r"@(\w+)")
ESCAPED = {character: f"\\x{ord(character):02x}" for character in "#@%$;"}


def path_expression(path: str | os.PathLike[str]) -> str:
    """A configuration expression whose value is the absolute path as text, whatever characters it holds."""
    literal = ascii(os.path.abspath(path))  # a Python literal; ASCII, so that every file name survives
    for character, escape in ESCAPED.items():
        literal = literal.replace(character, escape)
    return f"${literal}"


def load_config(files: Sequence[Path]) -> dict[str, Any]:
    """The content of configuration files, later ones laid over earlier ones, nothing evaluated."""
    return ConfigParser.load_config_files([str(file) for file in files])


def flatten(config: Any, prefix: str = "") -> dict[str, Any]:
    """All leaves of a configuration as id -> value, ids as `bundle run` takes them ("train::trainer::max_epochs")."""
    if not isinstance(config, (dict, list)) or not config:
        return {prefix: config}
    items = config.items() if isinstance(config, dict) else enumerate(config)
    leaves: dict[str, Any] = {}
    for key, value in items:
        leaves |= flatten(value, f"{prefix}::{key}" if prefix else str(key))
    return leaves


def reachable(config: Mapping[str, Any], names: Iterable[str]) -> set[str]:
    """The given top-level ids and all that they refer to, by @id, directly or through others."""
    found, new = set(), set(names)
    while new:
        found |= new
        texts = [leaf for name in new for leaf in flatten(config.get(name)).values() if isinstance(leaf, str)]
        new = {name for text in texts for name in REFERENCE.findall(text)} & set(config) - found
    return found


def parse_overrides(text: str) -> dict[str, Any]:
    """Read overrides as a user writes them: "id=value; stage/id=value".

    Args:
        text: assignments, separated by semicolons. A value is JSON or a Python literal, else text. `stage/` before the
            id limits an override to the stages of that name.

    Returns:
        (stage/)id -> value, ids with `::`.

    Raises:
        ValueError: a part is not an assignment.
    """
    overrides = {}
    for part in filter(None, (part.strip() for part in text.split(";"))):
        name, equals, value = part.partition("=")
        if not equals or not name.strip():
            raise ValueError(f'override {part!r} is not of the form id=value, e.g. "batch_size=4; synthesis/seed=1"')
        overrides[name.strip().replace("#", "::")] = _parse_value(value.strip())
    return overrides


def _parse_value(text: str) -> Any:
    for read in (json.loads, ast.literal_eval):
        try:
            return read(text)
        except (RecursionError, MemoryError) as error:
            raise ValueError(
                f"override value {quoted(text)} is nested too deeply: write it into a variant file"
            ) from error
        except (ValueError, SyntaxError):
            continue
    return text


def overrides_of(stage: str, overrides: Mapping[str, Any], config: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the user's overrides that concern a stage: named for it, or for all and known to its configuration."""
    parser = ConfigParser(dict(config))
    chosen = {}
    for name, value in overrides.items():
        owner, _, identifier = name.rpartition("/")
        if owner in ("", stage) and identifier in parser:
            chosen[identifier] = value
    return chosen


def overrides_for(stages: Collection[str], overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the overrides that are for all stages or for one of these, where a run has fewer stages than others."""
    return {name: value for name, value in overrides.items() if name.rpartition("/")[0] in ("", *stages)}


def check_overrides(overrides: Mapping[str, Any], configs: Mapping[str, Mapping[str, Any]]) -> None:
    """Refuse an override that no stage would take.

    Args:
        overrides: as `parse_overrides` returns them.
        configs: stage name -> its loaded configuration.

    Raises:
        ValueError: names the override and the ids that look like it.
    """
    for name in overrides:
        owner, _, identifier = name.rpartition("/")
        if identifier in RESERVED:
            raise ValueError(f"override {name!r}: the pipeline sets {identifier} itself, from its own arguments")
        if owner and owner not in configs:
            raise ValueError(f"override {name!r}: there is no stage {owner!r}, only {', '.join(configs)}")
        asked = [configs[owner]] if owner else list(configs.values())
        if not any(identifier in ConfigParser(dict(config)) for config in asked):
            raise ValueError(f"override {name!r}: no configuration has this id{_similar(identifier, asked)}")


def _similar(identifier: str, configs: Iterable[Mapping[str, Any]]) -> str:
    known = {name for config in configs for name in flatten(config)} | {name for config in configs for name in config}
    close = difflib.get_close_matches(identifier, known, n=3)
    return f"; did you mean {' or '.join(close)}?" if close else ""
