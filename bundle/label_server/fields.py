# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""What clients put into requests, read strictly: numbers come as text too, and lists of choices mean their first."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ..files.value_rules import is_number
from ..files.view import Window, stated_window
from ..slides.grid import Box

Request = Mapping[str, Any]


def text(request: Request, name: str, default: str = "") -> str:
    """A field as text; a list, as clients send back the choices they were offered, means its first.

    Raises:
        ValueError: it is neither text nor a number.
    """
    value = request.get(name)
    if isinstance(value, list | tuple):
        value = value[0] if value else None
    if value is None or value == "":
        return default
    if not isinstance(value, str) and not is_number(value):
        raise ValueError(f"{name} is {value!r}: give text")
    return str(value).strip()


def positive_number(request: Request, name: str) -> float | None:
    """A positive number, or text that is one; None where it is left out or empty.

    Raises:
        ValueError: it is anything else.
    """
    value = request.get(name)
    if value is None or value == "":
        return None
    try:
        found = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        found = math.nan
    if not 0 < found < math.inf:
        raise ValueError(f"{name} is {value!r}: give a positive number, or leave it out")
    return found


def count(request: Request, name: str) -> int | None:
    """A whole number above 0; None and errors as `positive_number`."""
    found = positive_number(request, name)
    if found is not None and found != int(found):
        raise ValueError(f"{name} is {found:g}: give a whole number")
    return None if found is None else int(found)


def window(request: Request, name: str) -> Window | None:
    """Two intensities, as a list or as text "low,high"; None where they are left out or empty.

    Raises:
        ValueError: they are anything else, or the first is not the smaller one.
    """
    return stated_window(request.get(name))


def flag(request: Request, name: str, default: bool = False) -> bool:
    """Yes or no; ValueError where it is neither."""
    value = request.get(name, default)
    known = {True: True, False: False, "true": True, "false": False, "": default}
    key = value.strip().lower() if isinstance(value, str) else value
    if not isinstance(key, bool | str) or key not in known:
        raise ValueError(f"{name} is {value!r}: give true or false")
    return known[key]


def regions(request: Request) -> list[Box]:
    """The rectangles that are asked for, px of the image's full resolution; none stand for the whole image.

    Clients ask for everything by a width or height of 0 or less. What DSA calls `wsi_tiles` are several rectangles.

    Raises:
        ValueError: they are no whole numbers.
    """
    tiles = request.get("wsi_tiles") or [request]
    if not isinstance(tiles, list) or not all(isinstance(tile, Mapping) for tile in tiles):
        raise ValueError("wsi_tiles is no list of objects with location and size")
    boxes = [_tile_box(tile) for tile in tiles]
    return [] if None in boxes else [box for box in boxes if box is not None]


def _tile_box(tile: Request) -> Box | None:
    left, top = _pair(tile, "location")
    width, height = _pair(tile, "size")
    return Box(left, top, left + width, top + height) if width > 0 and height > 0 else None


def _pair(tile: Request, name: str) -> tuple[int, int]:
    value = tile.get(name) or (0, 0)
    numbers = [each for each in value if is_number(each)] if isinstance(value, list | tuple) else []
    if len(numbers) != 2 or len(value) != 2:
        raise ValueError(f"{name} is {value!r}: give two whole numbers, px")
    return int(numbers[0]), int(numbers[1])
