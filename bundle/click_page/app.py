# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""What all tabs of one page share."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from transforms.size import Size

from ..label_server.runs import TrainingRuns
from .clicks.click_folder import ClickFolder
from .clicks.session import ClickSession
from .picture import Picture
from .tiles import Tiles
from .work.doubt import Doubts
from .work.exporter import Exporter
from .work.findings import Findings
from .work.models import Models
from .work.ranking import Ranking
from .work.trainer import Trainer

THREADS = 2  # that read tiles


class ClickApp:
    """One folder that is being clicked.

    Args:
        folder: which.
        model: the weights whose finds are proposed before others are trained.
        mpp: um per px that the user states for all images; None: as they say.
        preset: of trainings, name of a file in configs/presets.
    """

    def __init__(self, folder: ClickFolder, model: Path, mpp: float | None = None, preset: str = "cpu") -> None:
        self.folder, self.mpp = folder, mpp
        self.tiles = Tiles()
        self.session = ClickSession(folder, self._size_of)
        self.runs = TrainingRuns(folder.own / "trainings")
        self.models, self.findings = Models(self.runs, model, mpp), Findings()
        self.threads = ThreadPoolExecutor(THREADS, thread_name_prefix="tiles")
        self.thinking = ThreadPoolExecutor(1, thread_name_prefix="model")
        self.trainer = Trainer(self.session, self.models, self.thinking, preset)
        self.exporter = Exporter(folder)
        self.ranking = Ranking(self.session, self.models, Doubts(self.findings), self.thinking)

    def spacing(self, path: Path) -> float | None:
        """Um per px of an image, None = unknown; errors as `open_picture`."""
        return self.mpp or self._picture(path).mpp

    def _size_of(self, path: Path) -> Size:
        return self._picture(path).size

    def train(self) -> None:
        """Begin a training; errors as `Trainer.begin`."""
        first = next((state.name for state in self.session.states() if state.points), None)
        self.trainer.begin(first is not None and self._picture(self.session.paths(first).image).grey)

    def poll(self) -> None:
        """Look after files and processes; to be called every second or so."""
        self.session.refresh()
        self.trainer.poll()
        self.exporter.poll()
        self.ranking.poll()

    def _picture(self, path: Path) -> Picture:
        return self.tiles.picture(self.tiles.key(path))

    def close(self) -> None:
        """Let go of files and threads."""
        for pool in (self.threads, self.thinking):
            pool.shutdown(wait=False, cancel_futures=True)
