# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""What a value from a stranger's file may be: its type and its range, and the words for a message where it is not.

`True` is no number here, and neither is a number that is not finite.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

SHOWN = 60  # characters of a value that a message quotes


@dataclass(frozen=True)
class Rule:
    """One kind of value."""

    wants: str  # "a whole number from 1 to 8", for messages
    fits: Callable[[Any], bool]
    required: bool = False  # whether it may not be left out


def is_number(value: object) -> bool:
    """Whether this is a finite int or float, and no bool."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number that no float holds
        return False


def is_whole(value: object) -> bool:
    """Whether this is an int, and no bool."""
    return isinstance(value, int) and not isinstance(value, bool)


def whole(low: int, high: int) -> Rule:
    """A whole number from `low` to `high`, both included."""
    return Rule(f"a whole number from {low} to {high}", lambda value: is_whole(value) and low <= value <= high)


def number(low: float, high: float) -> Rule:
    """A finite number from `low` to `high`, both included."""
    return Rule(f"a number from {low:g} to {high:g}", lambda value: is_number(value) and low <= value <= high)


def above(low: float, high: float) -> Rule:
    """A finite number above `low`, at most `high`."""
    return Rule(f"a number above {low:g}, at most {high:g}", lambda value: is_number(value) and low < value <= high)


def choice(*values: object) -> Rule:
    """One of some values, of the same type."""
    named = " or ".join(repr(value) for value in values)
    return Rule(named, lambda value: any(type(value) is type(each) and value == each for each in values))


def many(rule: Rule, shortest: int, longest: int) -> Rule:
    """A list (or tuple) of `shortest` to `longest` values of one rule."""
    return Rule(
        f"a list of {shortest} to {longest}, each {rule.wants}",
        lambda value: (
            isinstance(value, list | tuple) and shortest <= len(value) <= longest and all(map(rule.fits, value))
        ),
    )


def either(*rules: Rule) -> Rule:
    """What one of some rules takes."""
    return Rule(" or ".join(rule.wants for rule in rules), lambda value: any(rule.fits(value) for rule in rules))


def named_with(names: Rule, options: Mapping[str, Rule]) -> Rule:
    """A name, or [name, {option: value, ...}], as MONAI's networks take norms and activations."""

    def fits(value: Any) -> bool:
        if not isinstance(value, list | tuple):
            return names.fits(value)
        if len(value) != 2 or not names.fits(value[0]) or not isinstance(value[1], Mapping):
            return False
        return all(key in options and options[key].fits(each) for key, each in value[1].items())

    return Rule(f"{names.wants}, or a list of one of these and its options ({', '.join(options)})", fits)


FLAG = Rule("true or false", lambda value: isinstance(value, bool))
NOTHING = Rule("null", lambda value: value is None)


def check_value(name: str, value: object, rule: Rule) -> None:
    """ValueError, naming the value and what it should be, where the rule does not take it."""
    if not rule.fits(value):
        raise ValueError(f"{name} is {quoted(value)}: it must be {rule.wants}")


def listed(text: str) -> list[str]:
    """What stands between the commas of an option, without blanks; empty parts are left out."""
    return [part.strip() for part in text.split(",") if part.strip()]


def quoted(value: object) -> str:
    """A value for a message: cut where it is long, and of any depth."""
    try:
        text = repr(value)
    except (RecursionError, ValueError):  # nested too deeply, or a number of too many digits
        return f"a {type(value).__name__}"
    return text if len(text) <= SHOWN else text[: SHOWN - 3] + "..."
