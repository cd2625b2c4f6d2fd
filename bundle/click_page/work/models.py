# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The models that a page can use: the one it began with, and all that were trained in it; one of them is current."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ...files.stage_progress import finished_at
from ...files.view import Window
from ...inference.model import model_path, read_card
from ...label_server.query import Query
from ...label_server.runs import Run, TrainingRuns


@dataclass(frozen=True)
class Known:
    """A model to choose."""

    name: str
    path: Path


class Models:
    """Which models there are.

    Args:
        runs: the trainings.
        given: weights that the page begins with.
        mpp: um per px of all images, as the user states it; None: as they say.
        intensity: of 16-bit images, what becomes 0 and 1, as the user states it; None: as the model in use has it.

    Raises:
        FileNotFoundError, ValueError: the given weights are not there, or no weights.
    """

    def __init__(
        self, runs: TrainingRuns, given: Path, mpp: float | None = None, intensity: Window | None = None
    ) -> None:
        self.runs, self.given, self.mpp, self.intensity = runs, model_path(given), mpp, intensity
        read_card(self.given)

    def current(self) -> Path:
        """The weights in use."""
        return self.runs.served() or self.given

    def query(self, path: Path | None = None) -> Query:
        """A question to a model, by default the current one."""
        return Query(path or self.current(), mpp=self.mpp, intensity=self.intensity)

    def known(self) -> list[Known]:
        """The given model, then the trained ones, in the order of their ends."""
        folders = self.runs.folder.iterdir() if self.runs.folder.is_dir() else ()
        done = [run for run in map(Run, folders) if run.folder.is_dir() and run.is_done()]
        done.sort(key=lambda run: run.model.stat().st_mtime_ns)
        trained = [
            Known(f"{number}. trained {finished_at(run.model.parent)}", run.model)
            for number, run in enumerate(done, start=1)
        ]
        return [Known(f"{self.given.name}, as given", self.given), *trained]

    def choose(self, path: Path) -> None:
        """Make a known model the current one; no other is taken.

        Raises:
            ValueError: it is not known.
        """
        if path not in [each.path for each in self.known()]:
            raise ValueError(f"{path}: is no model of this page")
        if path == self.given:
            self.runs.withdraw()
        else:
            self.runs.publish(Run(path.parents[2]))
