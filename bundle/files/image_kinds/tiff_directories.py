# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""TIFF files opened: the chain of their directories is followed once before, since one that comes back never ends."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from tifffile import TiffFile

from .raster import ImageFileError, reading

MOST_DIRECTORIES = 1 << 17  # in one file: each is looked at before a pixel is read
BIG = 43  # version of BigTIFF


def open_tiff(path: Path) -> TiffFile:
    """Open a TIFF file, to be closed by the caller; of an OME-TIFF set of several files, this one alone.

    Raises:
        ValueError: no TIFF file, or its chain of directories comes back to itself or has no end.
    """
    _refuse_endless(path)
    return reading(path, lambda path: TiffFile(path, _multifile=False))


def _refuse_endless(path: Path) -> None:
    seen: set[int] = set()
    with path.open("rb") as stream:
        for offset in _chain(stream):
            if offset in seen:
                raise ImageFileError(
                    f"{path}: its directories form a loop (the one at byte {offset} comes again): the file is"
                    " damaged; copy it again or export it again"
                )
            if len(seen) == MOST_DIRECTORIES:
                raise ImageFileError(f"{path}: holds more than {MOST_DIRECTORIES} images: split it into several files")
            seen.add(offset)


def _chain(stream: BinaryIO) -> Iterator[int]:
    """Where the directories lie, as each says of the next; ends where the file does, or where it makes no sense."""
    head = stream.read(16)
    order = ">" if head[:2] == b"MM" else "<"
    is_big = len(head) == 16 and struct.unpack(order + "H", head[2:4])[0] == BIG
    count, entry, pointer = ("Q", 20, "Q") if is_big else ("H", 12, "I")
    start = 8 if is_big else 4
    link = head[start : start + struct.calcsize(pointer)]
    while len(link) == struct.calcsize(pointer) and (offset := struct.unpack(order + pointer, link)[0]):
        yield offset
        stream.seek(offset)
        size = stream.read(struct.calcsize(count))
        if len(size) < struct.calcsize(count):
            return
        skipped = struct.unpack(order + count, size)[0] * entry
        if skipped > 1 << 32:
            return
        stream.seek(skipped, 1)
        link = stream.read(struct.calcsize(pointer))
