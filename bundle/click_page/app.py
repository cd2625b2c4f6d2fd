# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""What all tabs of one page share."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ..files.points_csv import Size
from .click_folder import ClickFolder
from .session import ClickSession
from .tiles import Tiles

THREADS = 2  # that read tiles


class ClickApp:
    """One folder that is being clicked.

    Args:
        folder: which.
        mpp: um per px that the user states for all images; None: as they say.
    """

    def __init__(self, folder: ClickFolder, mpp: float | None = None) -> None:
        self.folder, self.mpp = folder, mpp
        self.tiles = Tiles()
        self.session = ClickSession(folder, self._size_of)
        self.threads = ThreadPoolExecutor(THREADS, thread_name_prefix="tiles")

    def spacing(self, path: Path) -> float | None:
        """Um per px of an image, None = unknown; errors as `open_picture`."""
        return self.mpp or self.tiles.picture(self.tiles.key(path)).mpp

    def _size_of(self, path: Path) -> Size:
        width, height = self.tiles.picture(self.tiles.key(path)).size
        return height, width

    def close(self) -> None:
        """Let go of files and threads."""
        self.threads.shutdown(wait=False, cancel_futures=True)
