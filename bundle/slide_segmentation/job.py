# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""One slide on its way: what is asked for, what an earlier run left, which blocks are missing, what they add up to."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..files.manifest import StageManifest, differences, refuse_changed, stage_state
from ..files.manifest_file import read_manifest
from ..slides.reader import Slide
from .block import model_identity
from .execution import Task
from .layout import Place
from .plan import Plan
from .request import SlideRequest
from .results import put_together
from .store import SlideFolder
from .tissue import tissue_windows

logger = logging.getLogger(__name__)

STAGE = "slide"
PIECES, PIECE = 16, 1 << 16  # of a slide's file, for its fingerprint; bytes


class SlideJob:
    """A slide and the folder of its results.

    Args:
        path: the slide.
        folder: where its results go.
        request: what is asked for.
    """

    def __init__(self, path: Path, folder: Path, request: SlideRequest) -> None:
        self.given, self.path, self.name, self.request = path, path.resolve(), path.stem, request
        self.folder = SlideFolder(folder)
        self.missing: set[Place] = set()
        self.total = self.done = 0  # windows

    def begin(self) -> bool:
        """Plan the slide, or take up an earlier run's plan; False where all results are there already.

        Raises:
            FileNotFoundError: the slide is not there.
            ValueError: the slide is of no use, or the folder holds results that were made in another way.
            FileExistsError: the folder holds something else.
        """
        request = self.request
        with Slide(self.path, request.card.channels, request.mpp, request.view, request.card.intensity) as slide:
            planned = self._bare_plan(slide)
            settings = comparable(planned, request.way)
            inputs = {"slide": slide_fingerprint(self.path), "model": planned.weights}
            self._refuse_others(settings, inputs)
            if self._is_whole():
                return False
            self.manifest = StageManifest(self.folder.folder, STAGE, settings, inputs, {"slide": str(self.path)})
            self.manifest.begin()
            self.folder.sweep()
            self.plan = self.folder.read_plan() or self._kept_plan(slide, planned)
        self.blocks = self.plan.blocks()
        self.missing = {block for block in self.blocks if not self.folder.is_done(block)}
        windows = {block: len(self.plan.windows_of(block)) for block in self.blocks}
        self.total = sum(windows.values())
        self.done = sum(count for block, count in windows.items() if block not in self.missing)
        logger.info("%s: %d of %d blocks to do", self.path.name, len(self.missing), len(self.blocks))
        return True

    def tasks(self) -> Iterator[Task]:
        """The missing blocks, row by row."""
        model = str(self.request.model.resolve())
        for block in sorted(self.missing):
            yield Task(str(self.path), model, self.plan, block, self.request.device)

    def keep(self, block: Place, content: bytes) -> int:
        """Write a block's file; the number of windows it took. OSError where the disk is full."""
        self.folder.write(block, content)
        self.missing.discard(block)
        return len(self.plan.windows_of(block))

    def end(self) -> None:
        """Put the blocks together; OSError where the disk is full."""
        notes = put_together(self.path, self.folder, self.plan, self.request, self.blocks)
        self.manifest.note(**notes)
        self.manifest.finish()

    def _bare_plan(self, slide: Slide) -> Plan:
        """All of the plan but where the tissue is, which takes a look at the whole slide."""
        request, card = self.request, self.request.card
        grid = slide.grid(card.mpp)
        layout = request.settings.layout(grid, card.mpp, card.diameter, card.build_output())
        assert slide.mpp is not None  # else it has no such grid
        return Plan(
            grid=grid,
            layout=layout,
            tissue=tissue_windows(slide, grid, layout, "none"),
            mpp=slide.mpp,
            channel=request.view.channel,
            plane=request.view.plane,
            window=slide.window,
            weights=model_identity(request.model),
            views=request.views,
            batch=request.settings.batch,
            threads=request.settings.threads,
        )

    def _kept_plan(self, slide: Slide, planned: Plan) -> Plan:
        tissue = tissue_windows(slide, planned.grid, planned.layout, self.request.way)
        plan = Plan(**{**vars(planned), "tissue": tissue})
        self.folder.write_plan(plan)
        return plan

    def _refuse_others(self, settings: dict[str, Any], inputs: dict[str, str]) -> None:
        if stage_state(self.folder.folder, settings, inputs) == "absent":  # it refuses what others wrote
            return
        lines = differences(self.folder.folder, settings, inputs)
        if changed := [line for line in lines if line.startswith(("setting ", "input "))]:
            raise ValueError(
                f"{self.folder.folder} holds results that were made otherwise ({'; '.join(changed[:3])}): nothing of it"
                " is touched; name another output, or give the settings of before"
            )

    def _is_whole(self) -> bool:
        manifest = read_manifest(self.folder.folder)
        wanted = [self.folder.table, self.folder.polygons, self.folder.overview]
        wanted += [self.folder.label] if self.request.labels else []
        if not (manifest and manifest.get("complete")):
            return False
        refuse_changed(self.folder.folder, manifest.get("written", {}))
        return all(path.is_file() for path in wanted)


def comparable(plan: Plan, way: str) -> dict[str, Any]:
    """What decides results and the names of blocks, each number by itself, so that a message shows what differs."""
    settings = {**plan.as_json(), "way": way}
    for name in ("tissue", "weights", "batch", "threads"):  # the first two follow from the rest and from the model
        del settings[name]
    layout = vars(plan.layout) | {"block": plan.layout.block * plan.layout.tile}  # px
    del settings["layout"], layout["size"], layout["corner"]  # the grid's
    return settings | {f"{name} (px)": length for name, length in layout.items()}


def slide_fingerprint(path: Path) -> str:
    """SHA-256 of a slide's size and of pieces spread over its file: a whole one would take minutes to read."""
    size = path.stat().st_size
    digest = hashlib.sha256(str(size).encode())
    with path.open("rb") as file:
        for piece in range(PIECES):
            file.seek(piece * max(size - PIECE, 0) // (PIECES - 1))
            digest.update(file.read(PIECE))
    return digest.hexdigest()
