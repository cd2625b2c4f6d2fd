# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Training from the clicks of the page: the pipeline beside it, from the given weights, so that minutes are enough.

One training runs at a time. It is named after its clicks and settings: the same clicks go on where they were stopped.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from concurrent.futures import Executor, Future
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from ...annotations.tile_set import TileSettings
from ...files.log_lines import heard_warnings
from ...files.sole_run import is_held
from ...inference.model import read_card
from ...label_server.runs import Run, TrainingRuns, updates_of
from ...label_server.training import Training
from ...pipeline.output import LOCK
from ...pipeline.stage_run import StageRun
from ...pipeline.stages import METHOD
from ..clicks.session import ClickSession
from .figures import Figures, measure_by_clicks
from .job import ROOT, Job
from .models import Models
from .training_set import Clicked, clicked_images, write_set

logger = logging.getLogger(__name__)

FEW = {"segmentation_epochs": 4}  # of the preset cpu: 400 updates
FIRST = {"warm_start_epochs": 2}  # 200 updates of what labels the images, where no trained weights do
STOPPED = "stopped: Train goes on from the last checkpoint, as long as the clicks are the same"


@dataclass(frozen=True)
class Comparison:
    """A model and the one that was trained after it, on the same images."""

    before: Figures
    after: Figures


class Trainer:
    """Trains, and follows what it started.

    Args:
        session: the clicks.
        models: what there is to begin with, and where trained ones go.
        threads: one thread that models run in.
        preset: name of a file in configs/presets.
    """

    def __init__(self, session: ClickSession, models: Models, threads: Executor, preset: str = "cpu") -> None:
        self.session, self.models, self.threads, self.preset = session, models, threads, preset
        self.comparison: Comparison | None = None
        self.said = ""  # what happened last, for the page
        self.trouble = False
        self.left_out: list[str] = []  # what of the clicks is not trained on, for the page
        self._preparing: Future[Run] | None = None
        self._comparing: Future[Comparison] | None = None
        self._job: Job | None = None
        self._run: Run | None = None
        self._before: Path | None = None
        self._stopped = False  # by the user
        self._began = (0.0, 0)  # s, updates that were done then

    @property
    def runs(self) -> TrainingRuns:
        """All trainings of the folder."""
        return self.models.runs

    @property
    def busy(self) -> bool:
        """Whether a training is being prepared, runs, or is being measured."""
        return bool(self._preparing or self._comparing or (self._job and self._job.running) or self._runs_elsewhere())

    def begin(self, grey: bool) -> None:
        """Train on all clicks as they are now.

        Args:
            grey: the images have one channel.

        Raises:
            OSError, ValueError: a training runs already, nothing is clicked, or a file cannot be read.
        """
        if self.busy:
            raise ValueError("a training runs already: wait for its end, or stop it")
        clicked, training = clicked_images(self.session), self.training(grey)
        self._say(f"writing what is clicked in {len(clicked.images)} images ...")
        self.comparison, self._before, self._stopped, self.left_out = None, self.models.current(), False, []
        self._preparing = self.threads.submit(self._prepare, clicked, training)

    def stop(self) -> None:
        """Stop the training; the same clicks go on from its last checkpoint."""
        if self._job is not None and self._job.running:
            self._stopped = True
            self._job.stop()
            self._say(STOPPED)

    def poll(self) -> None:
        """Look how far everything is; to be called every second or so."""
        if self._preparing is not None and self._preparing.done():
            self._start(self._preparing)
            self._preparing = None
        elif self._job is not None and not self._job.running:
            self._finish(self._job)
            self._job = None
        elif self._job is not None:
            self._say(STOPPED if self._stopped else self._progress())
        elif self._comparing is not None and self._comparing.done():
            self._compared(self._comparing)
            self._comparing = None
        elif self._runs_elsewhere():
            self._say(f"a training that an earlier page began runs on: {self._progress()}")

    def training(self, grey: bool) -> Training:
        """What a click on Train would start, for images of one channel or of three."""
        few, colours = FEW if self.preset == "cpu" else {}, ",grey" if grey else ""
        from_nothing = {**FIRST, **few} if few else {}
        mpp, intensity = self.models.mpp, self.models.intensity
        plain = Training(self.preset, f"real_only{colours}", mpp, intensity=intensity, epochs=from_nothing)
        card = read_card(self.models.given)
        wanted: Mapping[str, object] = StageRun(plain.as_pipeline(ROOT), METHOD[2]).config["network_def"]
        own = {name: value for name, value in wanted.items() if name != "image_channels"}
        fits = all(card.network.get(name) == value for name, value in own.items()) and card.channels == (
            1 if grey else 3
        )
        if not fits:
            return plain
        return replace(plain, variant=f"pretrained{colours}", epochs=few, init_weights=self.models.given)

    @cache  # noqa: B019  # one trainer lives as long as the program
    def tiles(self, grey: bool) -> TileSettings:
        """How regions would be cut for a training, for images of one channel or of three."""
        training = self.training(grey)
        return training.tiles(training.as_pipeline(ROOT))

    def _prepare(self, clicked: Clicked, training: Training) -> Run:
        pipeline = training.as_pipeline(ROOT)
        with heard_warnings() as self.left_out:
            run = self.runs.prepare(lambda draft: write_set(draft, clicked, training, pipeline), training.settings())
        self.runs.begin(run, updates_of(pipeline))
        self._arguments = training.arguments(run.data, run.results, "auto")
        return run

    def _start(self, prepared: Future[Run]) -> None:
        try:
            self._run = prepared.result()
        except (OSError, ValueError) as error:
            self._say(str(error), trouble=True)
            return
        self._job = Job("scripts.pipeline", ["run", *self._arguments], self._run.folder / "log.txt")
        self._began = (time.monotonic(), int(self.runs.progress().get("epoch", 0)))
        self._say("the training begins ...")

    def _finish(self, job: Job) -> None:
        run, before = self._run, self._before
        if run is None or before is None or not (job.succeeded and run.is_done()):
            if not self._stopped:
                self._say(f"the training stopped: {job.last_line()} (all it said: {job.log})", trouble=True)
            return
        self._say("trained; measuring before and after ...")
        after = self.models.query(run.model)
        self._comparing = self.threads.submit(
            lambda: Comparison(
                measure_by_clicks(self.models.query(before), run.data), measure_by_clicks(after, run.data)
            )
        )

    def _compared(self, done: Future[Comparison]) -> None:
        try:
            self.comparison = done.result()
        except (OSError, ValueError) as error:
            self._say(f"trained, and could not be measured: {error}", trouble=True)
            return
        before, after = self.comparison.before, self.comparison.after
        better = after.detection_f1 >= before.detection_f1
        if better and self._run is not None:
            self.runs.publish(self._run)
        kept_back = "kept back from training" if after.kept_back else "that it trained on, which flatters it"
        used = "the new model is in use" if better else "the earlier one stays in use; choose below"
        images = f"{after.images} image{'s' * (after.images != 1)}"
        self._say(f"trained; on {images} {kept_back}: before, {before}; after, {after}; {used}")

    def _progress(self) -> str:
        found = self.runs.progress()
        done, total = int(found.get("epoch", 0)), int(found.get("total_epochs", 0))
        began, had = self._began
        if done > had and total > done and began:
            left = (time.monotonic() - began) / (done - had) * (total - done)
            return f"{done} of {total} updates, about {max(left / 60, 0.1):.1f} min left"
        said = self._job.last_line() if self._job else ""
        return f"{done} of {total} updates; {said}"

    def _runs_elsewhere(self) -> bool:
        latest = self.runs.latest()
        if self._job is not None or latest is None:
            return False
        return is_held(latest.results / LOCK)

    def _say(self, text: str, trouble: bool = False) -> None:
        self.said, self.trouble = text, trouble
