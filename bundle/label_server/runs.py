# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Trainings that a server started: a folder for each set of clicks and settings, and which of them made the model.

A run's folder is named after all that decides its result. So the same request on the same clicks goes on where an
earlier one was stopped, other clicks begin anew, and nothing is overwritten.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from ..files.atomic import write_json
from ..files.leftovers import scratch_folder
from ..files.manifest_file import read_manifest
from ..files.provenance import sha256
from ..files.stage_progress import stage_seconds, updates_done
from ..files.untrusted_text import load_json
from ..pipeline.request import Request
from ..pipeline.stage_run import StageRun
from ..pipeline.stages import method_with

NAME_LENGTH = 12  # hexadecimal digits


@dataclass(frozen=True)
class Run:
    """One training; its folder holds `data/`, what was clicked, and `results/`, what the pipeline made of it."""

    folder: Path

    @property
    def data(self) -> Path:
        """The data set."""
        return self.folder / "data"

    @property
    def results(self) -> Path:
        """The pipeline's output folder."""
        return self.folder / "results"

    @property
    def model(self) -> Path:
        """The trained segmenter."""
        return self.results / "segmentation" / "model.pt"

    def is_done(self) -> bool:
        """Whether the segmenter is trained to its end."""
        manifest = read_manifest(self.model.parent)
        return bool(manifest and manifest.get("complete")) and self.model.is_file()


class TrainingRuns:
    """All trainings of a server.

    Args:
        folder: where they lie; made when the first of them begins.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def prepare(self, write: Callable[[Path], object], settings: Mapping[str, Any]) -> Run:
        """Let `write` fill a folder with a data set, and give it its place.

        Args:
            write: gets an empty folder. When it raises, nothing stays.
            settings: all else that decides the result.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with scratch_folder(".draft", self.folder) as scratch:
            draft = scratch / "data"
            draft.mkdir()
            write(draft)
            run = Run(self.folder / _run_name(draft, settings))
            run.folder.mkdir(exist_ok=True)
            if not run.data.exists():
                os.replace(draft, run.data)
        return run

    def begin(self, run: Run, updates: Mapping[str, int]) -> None:
        """Keep which training is the latest, and the updates of its stages, as `updates_of` gives them."""
        write_json(
            self.folder / "latest.json",
            {"run": run.folder.name, "updates": dict(updates), "started": f"{datetime.now():%Y-%m-%d %H:%M:%S}"},
        )

    def publish(self, run: Run) -> None:
        """Make a finished training's model the one that is served."""
        write_json(self.folder / "served.json", {"run": run.folder.name})

    def withdraw(self) -> None:
        """Serve none of the trained models; all of them stay."""
        write_json(self.folder / "served.json", {"run": None})

    def latest(self) -> Run | None:
        """The training that was begun last; None before there is one."""
        return self._named("latest.json")

    def served(self) -> Path | None:
        """The model of the training that finished last; None before there is one."""
        run = self._named("served.json")
        return run.model if run and run.model.is_file() else None

    def progress(self) -> dict[str, Any]:
        """How the latest training goes; {} before there is one. Keys that MONAI Label's clients know, and more.

        `epoch` of `total_epochs` count updates of all stages that train; `total_time`, s, is there once all is done.
        """
        run, latest = self._named("latest.json"), _read_mapping(self.folder / "latest.json")
        if run is None or latest is None:
            return {}
        totals = {str(folder): int(total) for folder, total in latest.get("updates", {}).items()}
        done = {folder: _updates(run.results / folder, total) for folder, total in totals.items() if total}
        stages = {folder: _state(run.results / folder) for folder in totals if "/" not in folder}
        whole = all(state == "done" for state in stages.values())
        found = {"run": run.folder.name, "start_ts": latest.get("started"), "stages": stages, "updates": done}
        found |= {"epoch": sum(done.values()), "total_epochs": sum(totals.values())}
        return found | ({"total_time": _training_seconds(run, stages)} if whole else {})

    def _named(self, pointer: str) -> Run | None:
        name = (_read_mapping(self.folder / pointer) or {}).get("run")
        return Run(self.folder / str(name)) if name and Path(str(name)).name == name else None


def updates_of(request: Request) -> dict[str, int]:
    """Folder of every stage and engine, below the output folder -> its updates in all, 0 where nothing is trained."""
    updates = {}
    for stage in method_with(request.variants):
        config = StageRun(request, stage).config
        each = int(config[f"{stage.name}_updates_per_epoch"]) if stage.trainers else 0
        if stage.name == "synthesis":
            updates["synthesis/warm_start"] = int(config["warm_start_epochs"]) * each
        updates[stage.folder] = int(config[f"{stage.name}_epochs"]) * each if stage.trainers else 0
    return updates


def _run_name(data: Path, settings: Mapping[str, Any]) -> str:
    files = {str(path.relative_to(data)): sha256(path) for path in sorted(data.rglob("*")) if path.is_file()}
    text = json.dumps({"files": files, "settings": dict(settings)}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:NAME_LENGTH]


def _read_mapping(path: Path) -> dict[str, Any] | None:
    content = load_json(path) if path.is_file() else None
    return content if isinstance(content, dict) else None


def _state(folder: Path) -> str:
    manifest = read_manifest(folder)
    return "waits" if manifest is None else "done" if manifest.get("complete") else "runs"


def _updates(folder: Path, total: int) -> int:
    """Updates that a stage has reported, at most `total`; all of them once it is done."""
    return total if _state(folder) == "done" else min(updates_done(folder), total)


def _training_seconds(run: Run, stages: Iterable[str]) -> float:
    return round(sum(stage_seconds(run.results / folder) for folder in stages), 1)  # as manifests round them
