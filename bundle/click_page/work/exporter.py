# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Segmenting all images of the folder with the model in use, in every format, by the commands that do it elsewhere."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from transforms.budget import MOST_PIXELS

from ...files.images import IMAGE_SUFFIXES
from ...files.view import window_text
from ...label_server.images import pixel_size
from ...label_server.query import Query
from ...objects.registry import choose_formats
from ...slides.listing import SCANNER_SUFFIXES, is_slide
from ..clicks.click_folder import ClickFolder
from .job import Job

NAME = 12  # characters of a model's fingerprint that name its results


class Exporter:
    """Segments in a process of its own, one run at a time; a run that was stopped goes on.

    Args:
        folder: of the images.
    """

    def __init__(self, folder: ClickFolder) -> None:
        self.folder = folder
        self.said, self.trouble = "", False
        self._job: Job | None = None
        self._waiting: list[list[str]] = []
        self._troubles: list[str] = []  # of the runs since the button was pressed
        self._output = Path()

    def output(self, query: Query) -> Path:
        """Where the results of a model go: each model has a folder of its own, so that nothing is replaced."""
        return self.folder.own / "results" / query.identity[:NAME]

    def begin(self, query: Query, formats: Sequence[str]) -> None:
        """Segment every image and slide.

        Raises:
            ValueError: it runs already, or a format needs a package that is not there.
        """
        if self._job is not None:
            raise ValueError("the images are being segmented already: wait for the end, or stop it")
        choose_formats(",".join(formats))
        self._output = self.output(query)
        options = ["--model", str(query.model), *(["--mpp", str(query.mpp)] if query.mpp else [])]
        options += [f"--intensity={window_text(query.intensity)}"] if query.intensity else []
        suffixes = {paths.image.suffix.lower() for paths in self.folder.images().values()}
        images, self._waiting, self._troubles = str(self.folder.images_dir), [], []
        if suffixes & set(IMAGE_SUFFIXES):
            chosen = ["--formats", ",".join(formats)]
            self._waiting.append(["folder", images, "--output", str(self._output), *options, *chosen])
        for paths in self.folder.images().values():
            if _is_too_large(paths.image):
                self._waiting.append(["slide", str(paths.image), "--output", str(self._output / "slides"), *options])
        self._next()

    def stop(self) -> None:
        """Stop; the button goes on from there."""
        self._waiting.clear()
        if self._job is not None:
            self._job.stop()

    def poll(self) -> None:
        """Look how far it is; to be called every second or so."""
        job = self._job
        if job is None:
            return
        if job.running:
            done = len(list((self._output / "labels").glob("*.tif")))
            self._say(f"{done} of {len(self.folder.images())} images segmented")
            return
        if not job.succeeded:
            self._troubles.append(f"{job.last_line()} (all it said: {job.log})")
        self._job = None
        if self._waiting:  # whatever became of the others
            self._next()
        elif self._troubles:
            self._say(f"stopped: {'; '.join(self._troubles)}", trouble=True)
        else:
            self._say(f"all images are segmented: {self._output}")

    def _next(self) -> None:
        arguments = self._waiting.pop(0)  # "folder" or "slide", and the file's or folder's name
        log = self.folder.own / f"segment_log_{arguments[0]}.txt"
        self._job = Job("scripts.segment", arguments, log)
        self._say("the images are being segmented ...")

    def _say(self, text: str, trouble: bool = False) -> None:
        self.said, self.trouble = text, trouble


def _is_too_large(path: Path) -> bool:
    """Whether an image is segmented as a slide alone: those of scanners, and TIFF files that no memory holds whole."""
    if path.suffix.lower() in SCANNER_SUFFIXES:
        return True
    try:
        return is_slide(path) and math.prod(pixel_size(path)) > MOST_PIXELS
    except (OSError, ValueError):  # it is told when it is segmented
        return False
