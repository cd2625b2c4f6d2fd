# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Training from clicks: the pipeline, from points alone, on the images that have clicks.

It runs in a process of its own, so that it can be stopped at any time; the same request then goes on where it was.
"""

from __future__ import annotations

import logging
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from bundle.files.view import window_text
from bundle.label_server.clicked import read_label_files, write_training_set
from bundle.label_server.runs import TrainingRuns, updates_of
from bundle.label_server.training import EPOCHS, Training
from monailabel.interfaces.tasks.train import TrainTask
from nuclei_infer import device_of
from nuclei_options import ROOT, Options
from nuclei_store import NucleiStore

logger = logging.getLogger(__name__)

LAST_LINES = 5  # of the pipeline, in the message when it stops


class NucleiTrain(TrainTask):
    """Trains a model from the clicks in the datastore.

    Args:
        runs: the trainings of this server.
        model: what is served now, for clients that go on from it; None: nothing.
        options: of the server.
    """

    def __init__(self, runs: TrainingRuns, model: Callable[[], Path | None], options: Options) -> None:
        super().__init__("Trains a segmenter of nuclei from clicks alone")
        self.runs, self.model, self.options = runs, model, options

    def config(self) -> dict[str, Any]:
        """What clients may choose, with its default; an empty text leaves it to the images or the configuration."""
        presets = sorted(path.stem for path in (ROOT / "configs" / "presets").glob("*.yaml"))
        chosen = [self.options.preset, *(name for name in presets if name != self.options.preset)]
        texts = ("mpp", "intensity", "diameter", "variant", "classes", *EPOCHS)
        return {"preset": chosen, **dict.fromkeys(texts, ""), "centroids": False, "continue_from_model": False}

    def stats(self) -> dict[str, Any]:
        """How the latest training goes."""
        return self.runs.progress()

    def __call__(self, request: Mapping[str, Any], datastore: NucleiStore) -> dict[str, Any]:
        """Train to the end, and serve what came out.

        Raises:
            ValueError, OSError: a field of the request, a file of clicks or an image is of no use, or the pipeline
                stopped.
        """
        training = Training.of(request, self._defaults(), self.model())
        pipeline = training.as_pipeline(ROOT)
        clicks, images = read_label_files(datastore.final_labels()), datastore.image_files()
        wanted = training.choice, training.tiles(pipeline), self.options.mpp
        run = self.runs.prepare(lambda draft: write_training_set(draft, images, clicks, *wanted), training.settings())
        training = training.decided(run.data, run.results, ROOT)
        self.runs.begin(run, updates_of(training.as_pipeline(ROOT)))
        logger.info("training on the clicks of %d images, in %s", len(clicks), run.folder)
        follow(training.arguments(run.data, run.results, device_of(request, self.options)))
        self.runs.publish(run)
        return self.runs.progress()

    def _defaults(self) -> dict[str, str]:
        diameter = {} if self.options.diameter is None else {"diameter": f"{self.options.diameter:g}"}
        return {"preset": self.options.preset, "intensity": window_text(self.options.intensity), **diameter}


def follow(arguments: Sequence[str]) -> None:
    """Run the pipeline and log what it says, line by line.

    Raises:
        ValueError: it stopped; the message holds its last lines.
    """
    command = [sys.executable, "-m", "scripts.pipeline", "run", *arguments]
    last: deque[str] = deque(maxlen=LAST_LINES)
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    ) as process:
        for line in process.stdout or ():
            logger.info("%s", line.rstrip())
            last.append(line.strip())
    if process.returncode:
        raise ValueError("the pipeline stopped: " + " | ".join(last))
