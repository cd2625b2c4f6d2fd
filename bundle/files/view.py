# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""What a user says of files that hold more than one flat picture: which channel, which plane, which intensities."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, cast

from .value_rules import check_value, many, number

Window = tuple[float, float]  # intensities as stored that become 0 and 1
Channel = int | Literal["rgb"]
LARGEST = 1e9  # of a stored intensity
RGB: Literal["rgb"] = "rgb"  # the first three channels are the colours of one picture


@dataclass(frozen=True)
class View:
    """Which picture in a file is meant, and how its intensities count; None leaves it to the file.

    Attributes:
        channel: counted from 0, or "rgb": the first three are red, green and blue.
        plane: of a stack, counted from 0 in the file's order.
        intensity: stored intensities that become 0 and 1.

    Raises:
        ValueError: a value is of another kind or out of its range.
    """

    channel: Channel | None = None
    plane: int | None = None
    intensity: Window | None = None

    def __post_init__(self) -> None:
        if self.channel != RGB and not _is_count(self.channel):
            raise ValueError(f"channel is {self.channel!r}: give a whole number, 0 for the first, or {RGB}")
        if not _is_count(self.plane):
            raise ValueError(f"plane is {self.plane!r}: give a whole number, 0 for the first")
        if self.intensity is not None:
            _check_window(self.intensity)


def parse_view(channel: str | None = None, plane: int | None = None, intensity: str | None = None) -> View:
    """The view that a command line states.

    Args:
        channel: a whole number or "rgb".
        plane: a whole number.
        intensity: two numbers, low,high.

    Raises:
        ValueError: as `View`; intensity is no two numbers.
    """
    text = None if channel is None else str(channel).strip().lower()
    chosen: Channel | None = None
    if text == RGB:
        chosen = RGB
    elif text is not None:
        if not text.isdecimal():
            raise ValueError(f"channel is {channel}: give a whole number, 0 for the first, or {RGB}")
        chosen = int(text)
    return View(chosen, plane, None if intensity is None else parse_window(intensity))


def parse_window(text: str) -> Window:
    """Two intensities, as typed: "100,4095"."""
    try:
        low, high = (float(part) for part in text.strip("()[] ").split(","))
    except ValueError:
        raise ValueError(f"intensity is {text!r}: give two stored intensities, low,high, such as 100,4095") from None
    return _check_window((low, high))


def stated_window(value: object) -> Window | None:
    """The range that a configuration states: None, two numbers, or a text as `parse_window` takes it.

    Raises:
        ValueError: anything else, or the first number is not the smaller one.
    """
    if value is None or value == "":
        return None
    if isinstance(value, str):
        return parse_window(value)
    check_value("intensity", value, many(number(-LARGEST, LARGEST), 2, 2))
    low, high = cast(Sequence[float], value)
    return _check_window((float(low), float(high)))


def window_text(window: Window | None) -> str:
    """A range as `parse_window` takes it; "" for None."""
    return ",".join(f"{value:.12g}" for value in window or ())


def _check_window(window: Window) -> Window:
    low, high = window
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise ValueError(
            f"intensity is {low:g},{high:g}, which has no width: give two stored intensities, the smaller one first,"
            " such as 100,4095"
        )
    return window


def _is_count(value: object) -> bool:
    return value is None or (isinstance(value, int) and not isinstance(value, bool) and value >= 0)
