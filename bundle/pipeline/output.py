# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The output folder: nothing foreign in it, one run at a time, and results moved aside instead of deleted."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ..files.manifest_file import read_manifest
from ..files.sole_run import SECONDS, UNKNOWN, holder, sole_run
from .stages import METHOD, REPORT, Stage

logger = logging.getLogger(__name__)

LOCK = "pipeline.lock"
HOLDER = "pipeline.pid"  # of earlier versions
EXAMPLES = "examples"  # pictures segmented beside the data set's, shown by the report
REPLACED = "replaced"  # what a restart moved aside
JOINED = "dataset"  # several data sets made one
OWN = {LOCK, HOLDER, REPLACED, EXAMPLES, REPORT, JOINED, "baselines", *(stage.folder for stage in METHOD)}


def check_output_dir(output_dir: Path) -> None:
    """Refuse an output folder that holds anything else than results of this pipeline.

    Raises:
        FileExistsError: names what is in the way; nothing is touched.
        NotADirectoryError: the path is a file.
    """
    if output_dir.exists() and not output_dir.is_dir():
        raise NotADirectoryError(f"{output_dir} is a file: name a folder for the results")
    present = sorted(path.name for path in output_dir.iterdir()) if output_dir.is_dir() else []
    foreign = [name for name in present if name not in OWN and not name.startswith(".")]
    if foreign:
        raise FileExistsError(
            f"{output_dir} holds {foreign[0]!r}, which no stage wrote ({len(foreign)} such): nothing of it is touched; "
            "name an empty or new output folder"
        )
    report = output_dir / REPORT
    if report.is_dir() and any(report.iterdir()) and read_manifest(report) is None:
        raise FileExistsError(
            f"{report} was not written by the pipeline (no manifest.json): name another output folder"
        )


@contextmanager
def hold(output_dir: Path, seconds: float = SECONDS) -> Iterator[None]:
    """Keep other runs out of the output folder; errors as `bundle.files.sole_run.take`."""
    lock = output_dir / LOCK
    earlier = holder(lock)
    with sole_run(lock, output_dir, seconds):
        if earlier != UNKNOWN:
            logger.warning("an earlier run was cut (%s); going on from where it was", earlier)
        yield


def set_aside(output_dir: Path, stages: Sequence[Stage], restart: str) -> list[Path]:
    """Move the folders of a stage and of all stages that read it to `replaced/`, so that they are made anew.

    Args:
        output_dir: the output folder.
        stages: the stages of this run, in order.
        restart: folder of the stage to make anew ("baselines/dense/predictions"), or name of stages ("predictions").

    Returns:
        Where the moved folders are now.

    Raises:
        ValueError: no stage has this name.
    """
    folders = [stage.folder for stage in stages]
    outdated = {restart} if restart in folders else {stage.folder for stage in stages if restart == stage.name}
    if not outdated:
        raise ValueError(
            f"restart names the stage {restart!r}, which is not in this run: choose one of {', '.join(folders)}"
        )
    for stage in stages:
        outdated |= {stage.folder} if outdated & set(stage.upstream) else set()
    moved = []
    for folder in [folder for folder in folders if folder in outdated]:
        if (output_dir / folder).exists():
            moved.append(_move(output_dir / folder, output_dir / REPLACED))
    return moved


def _move(folder: Path, replaced: Path) -> Path:
    replaced.mkdir(exist_ok=True)
    name = f"{folder.parent.name}-{folder.name}" if folder.parent != replaced.parent else folder.name
    number = 1
    while (target := replaced / f"{name}-{number}").exists():
        number += 1
    os.replace(folder, target)
    logger.info("moved %s to %s", folder, target)
    return target
