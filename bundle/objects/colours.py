# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""A colour for each class of objects, the same in every file and in every run."""

from __future__ import annotations

import zlib

Colour = tuple[int, int, int]  # red, green, blue, 0 to 255

PALETTE: tuple[Colour, ...] = (
    (230, 159, 0),
    (86, 180, 233),
    (0, 158, 115),
    (240, 228, 66),
    (0, 114, 178),
    (213, 94, 0),
    (204, 121, 167),
)  # told apart by colour-blind people too (Okabe and Ito 2008)


def class_colour(name: str) -> Colour:
    """The colour of the class of this name."""
    return PALETTE[zlib.crc32(name.encode()) % len(PALETTE)]
