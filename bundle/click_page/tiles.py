# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Square tiles of pictures, as the browser's map renderer asks for them: by zoom level, column and row.

Level 0 shows the whole picture in one tile; each level has twice as many along each axis. A tile is drawn `SHOWN` px
wide or larger and holds twice as many, so that it stays sharp between two levels. Levels beyond the picture's own
pixels are enlarged by the browser.
"""

from __future__ import annotations

import io
import math
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from transforms.size import Size

from ..slides.grid import Box
from .picture import Picture, Pixels, coarse_size, open_picture

SHOWN, STORED = 256, 512  # px of a tile's side: on the page at the least, in its file
BEYOND = 4  # levels that enlarge the picture's own pixels
QUALITY = 92  # of JPEG
KEPT = 1 << 26  # bytes of tiles kept in memory
MOST_OPEN = 3  # pictures
BACKGROUND = 24  # grey around the picture


@dataclass(frozen=True)
class Look:
    """How stored intensities are shown.

    Raises:
        ValueError: low and high are not 0 to 255 with low below high, or there is no such channel.
    """

    low: int = 0  # shown black
    high: int = 255  # shown white
    channel: int = 0  # 0: all colours; 1, 2, 3: red, green, blue alone

    def __post_init__(self) -> None:
        if not 0 <= self.low < self.high <= 255 or self.channel not in range(4):
            raise ValueError(f"low {self.low}, high {self.high}, channel {self.channel}: 0 to 255, and 0 to 3")

    def __call__(self, pixels: Pixels) -> Pixels:
        """The pixels (h, w, 3) as they are shown."""
        if self.channel:
            pixels = np.repeat(pixels[..., self.channel - 1 : self.channel], 3, axis=2)
        if (self.low, self.high) == (0, 255):
            return pixels
        scaled = (np.arange(256) - self.low) * (255 / (self.high - self.low))
        shown: Pixels = np.clip(np.round(scaled), 0, 255).astype(np.uint8)[pixels]
        return shown


def native_level(size: Size) -> int:
    """The level at which a px of the screen is a px of the picture."""
    return max(math.ceil(math.log2(max(size) / SHOWN)), 0)


def cut_tile(picture: Picture, level: int, column: int, row: int) -> Pixels:
    """One tile, uint8 (side, side, 3); what lies beside the picture is background.

    Raises:
        ValueError: there is no such tile.
    """
    native = native_level(picture.size)
    if not 0 <= level <= native + BEYOND:
        raise ValueError(f"level {level} is none of 0 to {native + BEYOND}")
    step = 2 ** max(native - level - 1, 0)  # px of the picture per px of the tile
    side = STORED if level < native else max(SHOWN >> (level - native), 1)
    box = Box(column * side, row * side, (column + 1) * side, (row + 1) * side)
    if not (0 <= column < 2**level and 0 <= row < 2**level):
        raise ValueError(f"level {level} has no tile in column {column}, row {row}")
    tile = np.full((side, side, 3), BACKGROUND, np.uint8)
    if inside := box.within(Box.of(coarse_size(picture.size, step))):
        tile[inside.slices(box)] = picture.read(step, inside)
    return tile


class Tiles:
    """Tiles of all pictures that tabs look at, by keys that hold no name; called from several threads.

    Args:
        open_file: opens a picture.
    """

    def __init__(self, open_file: Callable[[Path, int], Picture] = open_picture) -> None:
        self._open_file = open_file
        self._files: dict[str, tuple[Path, int]] = {}
        self._open: OrderedDict[str, Picture] = OrderedDict()
        self._tiles: OrderedDict[tuple[object, ...], bytes] = OrderedDict()
        self._bytes, self._lock = 0, threading.RLock()

    def key(self, path: Path, channel: int = 0) -> str:
        """The key of a file as it is now: one that was changed gets another."""
        stat = path.stat()
        with self._lock:
            for key, file in self._files.items():
                if file == (path, channel) and key.endswith(f"-{stat.st_mtime_ns}"):
                    return key
            key = f"{len(self._files)}-{stat.st_mtime_ns}"
            self._files[key] = (path, channel)
            return key

    def picture(self, key: str) -> Picture:
        """The picture of a key, opened if it is not.

        Raises:
            KeyError: nobody asked for such a key.
            OSError, ValueError: as `open_picture`.
        """
        with self._lock:
            if key not in self._open:
                self._open[key] = self._open_file(*self._files[key])
            self._open.move_to_end(key)
            while len(self._open) > MOST_OPEN:
                self._open.popitem(last=False)[1].close()
            return self._open[key]

    def jpeg(self, key: str, look: Look, level: int, column: int, row: int) -> bytes:
        """One tile as a file; errors as `picture` and `cut_tile`."""
        place = (key, look, level, column, row)
        with self._lock:
            if place in self._tiles:
                self._tiles.move_to_end(place)
                return self._tiles[place]
        stream = io.BytesIO()
        pixels = look(cut_tile(self.picture(key), level, column, row))
        Image.fromarray(pixels).save(stream, "JPEG", quality=QUALITY, subsampling=0)
        with self._lock:
            self._keep(place, stream.getvalue())
        return stream.getvalue()

    def _keep(self, place: tuple[object, ...], tile: bytes) -> None:
        self._bytes += len(tile) - len(self._tiles.pop(place, b""))
        self._tiles[place] = tile
        while self._bytes > KEPT:
            self._bytes -= len(self._tiles.popitem(last=False)[1])
