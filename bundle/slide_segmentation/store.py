# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The folder of one slide's results: a small file for each finished block, and what is made of them at the end.

A block's file is there whole or not at all, so a run that was cut goes on with the blocks that are missing.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from ..files.atomic import write_json, write_whole
from ..files.leftovers import TEMPORARY
from ..files.sole_run import lock_beside, sole_run
from ..files.untrusted_text import parse_json
from .layout import Place
from .objects import Objects, read_facts, read_objects
from .plan import Plan, plan_from


class SlideFolder:
    """The results of one slide.

    Args:
        folder: where they lie; it is made when the first of them is written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.table, self.polygons = folder / "objects.csv", folder / "objects.geojson"
        self.overview, self.label = folder / "overview.png", folder / "labels.tif"

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Keep other runs out; the system lets go however this process ends.

        Raises:
            BlockingIOError: another run holds it.
            OSError: nothing can be written there.
        """
        with sole_run(lock_beside(self.folder), self.folder, seconds=0):
            yield

    def block_path(self, block: Place) -> Path:
        """Where a block's objects lie."""
        return self.folder / "blocks" / f"{block[0]:04d}_{block[1]:04d}.npz"

    def is_done(self, block: Place) -> bool:
        """Whether a block is finished."""
        return self.block_path(block).is_file()

    def write(self, block: Place, content: bytes) -> None:
        """Keep a block's objects; OSError where the disk is full, and then nothing of them stays."""
        path = self.block_path(block)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, lambda stream: stream.write(content))

    def read(self, block: Place) -> Objects:
        """A finished block's objects; ValueError, with the mend, where the file was damaged."""
        path = self.block_path(block)
        try:
            with path.open("rb") as stream:
                return read_objects(stream)
        except ValueError as error:
            raise ValueError(f"{path}: {error}: delete it and run again") from error

    def facts(self, block: Place) -> dict[str, float]:
        """What a finished block took: seconds, windows and regions that are too wide."""
        with self.block_path(block).open("rb") as stream:
            return read_facts(stream)

    def write_plan(self, plan: Plan) -> None:
        """Keep the plan, so that every later run goes by it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        write_json(self.folder / "plan.json", plan.as_json())

    def read_plan(self) -> Plan | None:
        """The plan that an earlier run kept; None where there is none.

        Raises:
            ValueError: it cannot be read.
        """
        path = self.folder / "plan.json"
        if not path.is_file():
            return None
        try:
            return plan_from(parse_json(path.read_bytes()))
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
            raise ValueError(f"{path}: no plan ({error}): move {self.folder} away and run again") from error

    def sweep(self) -> None:
        """Remove what killed runs left unfinished."""
        for path in (*self.folder.glob(f".*{TEMPORARY}"), *self.folder.glob(f"blocks/.*{TEMPORARY}")):
            path.unlink(missing_ok=True)
