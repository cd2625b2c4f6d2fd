# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The table of results: ways of getting a segmenter x backbones x seeds, each a run of the pipeline's stages.

All rows of one seed share a folder, and with it the generator of the method. What is finished is left as it is.
"""

from __future__ import annotations

import json
import logging
import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bundle.data.folder import DataFolder
from bundle.files.atomic import write_json
from bundle.files.images import load_image
from bundle.files.manifest_file import read_manifest
from bundle.files.stage_progress import stage_seconds
from bundle.inference.model import load_network, segmenter_of
from bundle.metrics import MAIN_COLUMNS, summarise
from bundle.networks.device import describe_device, resolve_device
from bundle.pipeline.baselines import BASELINE_TITLES, BASELINES
from bundle.pipeline.pipeline import run_pipeline
from bundle.pipeline.request import Request
from bundle.pipeline.runner import StageError
from bundle.pipeline.settings import overrides_for
from bundle.pipeline.stages import ELLIPSES, METHOD, Stage
from bundle.report.results import METHOD_TITLE, read_metrics
from scripts.experiments.records import Record, mean_and_sd

logger = logging.getLogger(__name__)

BACKBONES = ("compact", "hovernet", "cnn3")
EQUAL_TIME = "online_time"  # the baseline online, trained as long as one that does not paint
OWN_TITLES = {"method": METHOD_TITLE, EQUAL_TIME: f"{BASELINE_TITLES['online']}, at equal time"}
BESIDE = {
    "real_only": ["method", "real_only"],
    "online": ["online", EQUAL_TIME],
}  # where these stand among the baselines
WAYS = tuple(way for key in BASELINES if key != "masks" for way in BESIDE.get(key, [key]))
OF_IMAGES = (*MAIN_COLUMNS, "points_alone")
EPOCHS = "segmentation/segmentation_epochs"


@dataclass(frozen=True)
class ResultRow:
    """One way of getting a segmenter, with one backbone.

    Attributes:
        way: one of `WAYS`.
        backbone: one of `BACKBONES`.
        stages: all that it needs, in order; the last two train and measure the segmenter.
    """

    way: str
    backbone: str
    stages: tuple[Stage, ...]

    @property
    def name(self) -> str:
        """Of the row in records and messages."""
        return self.way if self.backbone == BACKBONES[0] else f"{self.way}_{self.backbone}"

    @property
    def title(self) -> str:
        """For people."""
        return {**BASELINE_TITLES, **OWN_TITLES}[self.way]


def result_row(way: str, backbone: str = BACKBONES[0]) -> ResultRow:
    """The row of a way and a backbone.

    Raises:
        ValueError: there is no such way or backbone.
    """
    if way not in WAYS or backbone not in BACKBONES:
        raise ValueError(f"row {way!r} with {backbone!r}: choose of {', '.join(WAYS)}, with {', '.join(BACKBONES)}")
    if way == EQUAL_TIME:
        stages = renamed_stages(BASELINES["online"].stages, "online", EQUAL_TIME)
    else:
        stages = METHOD if way == "method" else BASELINES[way].stages
    stages = (*before(stages), *stages)
    return ResultRow(way, backbone, with_backbone(stages, way, backbone))


def before(stages: Sequence[Stage]) -> list[Stage]:
    """The stages of the method that some stages read, directly or not, where they are not among them."""
    needed: set[str] = set()
    for stage in reversed([*METHOD, *stages]):
        if stage in stages or stage.folder in needed:
            needed |= set(stage.upstream)
    return [stage for stage in METHOD if stage.folder in needed and stage not in stages]


def renamed_stages(stages: Iterable[Stage], old: str, new: str) -> tuple[Stage, ...]:
    """The stages of a baseline as those of another one."""
    return moved(stages, lambda folder: folder.replace(f"baselines/{old}/", f"baselines/{new}/"))


def with_backbone(stages: Sequence[Stage], way: str, backbone: str) -> tuple[Stage, ...]:
    """The stages with another network as segmenter, in folders of their own; what trains none is shared."""
    if backbone == BACKBONES[0]:
        return tuple(stages)
    own = {stage.folder for stage in stages[-2:]}  # trains and measures it

    def place(folder: str) -> str:
        return f"baselines/{way}_{backbone}/{folder.rpartition('/')[2]}" if folder in own else folder

    folders = {stage.folder for stage in stages}
    rehearsal = replace(ELLIPSES[0], variant=f"{ELLIPSES[0].variant},{backbone}")
    return tuple(
        replace(stage, variant=f"{stage.variant},{backbone}", rehearsal=rehearsal)
        if stage.name == "segmentation" and stage.folder not in folders
        else stage
        for stage in moved(stages, place)
    )


def moved(stages: Iterable[Stage], place: Callable[[str], str]) -> tuple[Stage, ...]:
    """Stages whose folders, and those that they read, are where `place`, folder -> folder, says."""
    return tuple(
        replace(
            stage,
            folder=place(stage.folder),
            paced_by=place(stage.paced_by),
            reads={name: place(folder) for name, folder in stage.reads.items()},
        )
        for stage in stages
    )


def run_results(
    request: Request, rows: Sequence[ResultRow], seeds: Sequence[int], epochs: Mapping[str, int], done: Iterable[Any]
) -> list[str]:
    """Run all rows with all seeds, one after the other.

    Args:
        request: what all share; its output folder holds a folder for each seed.
        rows: the rows.
        seeds: the seeds.
        epochs: backbone -> epochs of its training.
        done: (name of a row, seed) that are on record already and are left out.

    Returns:
        The runs that are not finished, "name, seed n: why".
    """
    unfinished, done = [], set(done)
    for seed in seeds:
        for row in (row for row in rows if (row.name, seed) not in done):
            logger.info("row %s, seed %d: %s", row.name, seed, row.title)
            try:
                run_comparison_row(request, row, seed, epochs[row.backbone])
            except (StageError, BlockingIOError, FileNotFoundError) as error:
                logger.error("row %s, seed %d: %s", row.name, seed, error)
                unfinished.append(f"{row.name}, seed {seed}: {str(error).splitlines()[0]}")
    return unfinished


def run_comparison_row(request: Request, row: ResultRow, seed: int, epochs: int) -> None:
    """Run what is left of one row, then time its segmenter; errors as `run_pipeline`."""
    root = seed_folder(request.output_dir, seed)
    if row.way == EQUAL_TIME:
        epochs = equal_time(root, epochs)
    overrides = overrides_for({stage.name for stage in row.stages}, {**request.overrides, EPOCHS: epochs})
    run_pipeline(replace(request, output_dir=root, seed=seed, overrides=overrides), row.stages)
    path = speed_path(request.output_dir, row, seed)
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(path, inference_time(request, root / row.stages[-2].folder))


def equal_time(root: Path, epochs: int) -> int:
    """How many epochs of online training take as long as `epochs` without painting, in the folder of a seed.

    The share of the row online's time that went into painting tells, since two trainings may not find their machine
    equally busy.

    Raises:
        FileNotFoundError: the row online is not there to tell.
    """
    share = painting_share(root / result_row("online").stages[-2].folder)
    if share is None:
        raise FileNotFoundError(f"{root}: the row online tells the pace: run it first")
    return max(round(epochs * (1 - share)), 1)


def painting_share(training: Path) -> float | None:
    """The share of an online training's time that went into painting; None: it painted nothing, or is not finished.

    Of its last session, where it was cut: what is noted is what this one painted.
    """
    manifest = read_manifest(training) or {}
    painting = (manifest.get("notes") or {}).get("painting_seconds")
    return None if painting is None else painting / manifest["sessions"][-1]["seconds"]


def inference_time(request: Request, segmentation: Path, repeats: int = 3) -> dict[str, Any]:
    """Seconds for 1000 x 1000 px of the first testing image, median of several runs, network and instances."""
    device = resolve_device(request.device)
    model = load_network(segmentation)
    segmenter = segmenter_of(model, device=device)
    item = DataFolder(request.dataset_dir, request.image_mpp, model.card.channels).testing[0]
    loaded = load_image(item.image_path, model.card.channels, request.image_mpp)
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        segmenter(loaded.image, loaded.mpp)
        times.append(time.perf_counter() - started)
    pixels = loaded.image.shape[-1] * loaded.image.shape[-2]
    return {"seconds": statistics.median(times) * 1e6 / pixels, "device": describe_device(device)}


def collect_results(root: Path, rows: Sequence[ResultRow], seeds: Sequence[int]) -> list[Record]:
    """A record of every finished run."""
    found = (read_result(root, row, seed) for row in rows for seed in seeds)
    return [record for record in found if record is not None]


def collect_images(root: Path, records: Iterable[Record]) -> list[Record]:
    """The metrics of every testing image of these runs, where their folders are still there."""
    found = []
    for record in records:
        row = result_row(record["way"], record["backbone"])
        run = {name: record[name] for name in ("row", "way", "backbone", "seed")}
        for image in read_metrics(metrics_path(root, row, record["seed"])):
            metrics = {name: round(image[name], 5) for name in OF_IMAGES if name in image}
            found.append({**run, "image": image["name"], **metrics})
    return found


def read_result(root: Path, row: ResultRow, seed: int) -> Record | None:
    """Row, backbone, seed, budget, minutes, metrics over images, speed; None where the run is not finished."""
    folder, training = seed_folder(root, seed), row.stages[-2].folder
    metrics = read_metrics(metrics_path(root, row, seed))
    speed, manifest = speed_path(root, row, seed), read_manifest(folder / training)
    if not metrics or not speed.is_file() or manifest is None:
        return None
    settings = manifest["settings"]
    network = load_network(folder / training).network
    record: Record = {"row": row.name, "way": row.way, "backbone": row.backbone, "seed": seed}
    record |= {
        "parameters": sum(parameter.numel() for parameter in network.parameters()),
        "updates": settings["segmentation_updates_per_epoch"] * settings["segmentation_epochs"],
        "batch": settings["segmentation_batch_size"],
        "minutes": round(stage_seconds(folder / training) / 60, 4),
        "minutes_in_all": round(sum(stage_seconds(folder / stage.folder) for stage in row.stages[:-1]) / 60, 4),
        "seconds_per_megapixel": round(json.loads(speed.read_text(encoding="utf-8"))["seconds"], 3),
        "device": json.loads(speed.read_text(encoding="utf-8"))["device"],
        "images": len(metrics),
    }
    share = painting_share(folder / training)
    if share is not None:
        record["painting_share"] = round(share, 3)
    return record | mean_and_sd(summarise(metrics), MAIN_COLUMNS)


def seed_folder(root: Path, seed: int) -> Path:
    """Where all rows of one seed write."""
    return root / f"seed{seed}"


def metrics_path(root: Path, row: ResultRow, seed: int) -> Path:
    """The file with the metrics of each testing image of one run."""
    return seed_folder(root, seed) / row.stages[-1].folder / "metrics.csv"


def speed_path(root: Path, row: ResultRow, seed: int) -> Path:
    """The file with the measured speed of one run's segmenter."""
    return root / "speed" / f"{row.name}_seed{seed}.json"
