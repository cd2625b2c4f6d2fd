# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""What all tabs of one page share."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from transforms.size import Size

from ..annotations.tile_set import count_too_small
from ..files.view import Window
from ..label_server.runs import TrainingRuns
from .clicks.click_folder import ClickFolder
from .clicks.image_clicks import ImageClicks
from .clicks.session import ClickSession
from .picture import Picture, open_picture
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
        intensity: of 16-bit images, what becomes 0 and 1 on the page, for models and in trainings; None: as the model
            in use has it, and on the page by the rule of `bundle.files.image_kinds.intensities`.
    """

    def __init__(
        self,
        folder: ClickFolder,
        model: Path,
        mpp: float | None = None,
        preset: str = "cpu",
        intensity: Window | None = None,
    ) -> None:
        self.folder, self.mpp = folder, mpp
        self.tiles = Tiles(partial(open_picture, intensity=intensity))
        self.session = ClickSession(folder, self._size_of)
        self.runs = TrainingRuns(folder.own / "trainings")
        self.models, self.findings = Models(self.runs, model, mpp, intensity), Findings()
        self.threads = ThreadPoolExecutor(THREADS, thread_name_prefix="tiles")
        self.thinking = ThreadPoolExecutor(1, thread_name_prefix="model")
        self.trainer = Trainer(self.session, self.models, self.thinking, preset)
        self.exporter = Exporter(folder)
        self.ranking = Ranking(self.session, self.models, Doubts(self.findings), self.thinking)

    def spacing(self, path: Path) -> float | None:
        """Um per px of an image, None = unknown; errors as `open_picture`."""
        return self.mpp or self._picture(path).mpp

    def too_small(self, clicks: ImageClicks) -> str:
        """What to say of regions of an image that a training would leave out; "" where there are none."""
        if not clicks.marks.regions:
            return ""
        picture = self._picture(clicks.paths.image)
        settings = self.trainer.tiles(picture.grey)
        mpp = self.mpp or picture.mpp
        count = count_too_small(tuple(clicks.marks.regions.values()), clicks.size, mpp, settings)
        side = f"{settings.smallest} x {settings.smallest} px at {settings.tile_mpp:g} um per px"
        return f"{count} too small to be learnt from: a rectangle of {side} has to lie in each" if count else ""

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
