# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The segmenter's training recipe, one change at a time, judged on held-out patients among the training images.

The testing images of the data set are not opened. Each row learns from the labels of the other folds: those that a
trained segmenter, the images' colours and their points give (`--labels points`), or outlines (`--labels dense`).
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bundle.data.folder import DataFolder
from bundle.data.items import Item
from bundle.engines.checkpoint import latest_checkpoint
from bundle.files.atomic import write_json, write_text
from bundle.files.images import check_mpp
from bundle.files.manifest import StageManifest
from bundle.files.manifest_file import MANIFEST, read_manifest
from bundle.files.provenance import hash_files
from bundle.files.stage_progress import stage_seconds
from bundle.files.value_rules import listed
from bundle.inference.model import card_path, load_network
from bundle.networks.weights import read, save
from bundle.pipeline.baselines import BASELINES
from bundle.pipeline.dataset import open_dataset, stage_files
from bundle.pipeline.output import hold
from bundle.pipeline.pipeline import check_request
from bundle.pipeline.plan import rehearse
from bundle.pipeline.request import Request
from bundle.pipeline.runner import StageError, describe_seconds, run_stages
from bundle.pipeline.settings import overrides_for, parse_overrides
from bundle.pipeline.stage_run import StageRun
from bundle.pipeline.stages import PRETRAINED, Stage, prediction_stage
from bundle.report.results import read_metrics
from scripts.experiments.comparison_command import read_seeds
from scripts.experiments.degrade import link_file
from scripts.experiments.options import TableOptions, TrainingOptions
from scripts.experiments.page import around, enter
from scripts.experiments.recipe_rows import ROWS, RecipeRow
from scripts.experiments.recipe_table import COMPARED, DENSE, POINTS, recipe_markdown
from scripts.experiments.records import Record, enter_records, read_records, run_of, write_records

logger = logging.getLogger(__name__)

LABEL = replace(PRETRAINED[0], folder="synthetic", variant="pretrained")
TRAIN = replace(BASELINES[DENSE].stages[0], folder="segmentation", rehearsal=None)
MEASURE = prediction_stage("predictions", TRAIN.folder)
EPOCHS = "segmentation_epochs"


def recipe(
    training: TrainingOptions,
    tables: TableOptions,
    rows: str = "",
    labels: str = POINTS,
    folds: int = 4,
    fold: str = "0",
    seeds: str = "0",
    epochs: int = 6,
    set: str = "",
) -> None:
    """Train the segmenter with one change of its recipe at a time; each training is judged on patients it has not seen.

    It takes hours, may be cut at any time, and the same command goes on; rows that share a training train once.

    Args:
        training: what is trained on, where; its training images need labels to be judged by.
        tables: where finished runs are kept and shown: a line for each held-out image.
        rows: names of those to run, with commas between; without it all.
        labels: what is learnt from: points, that is the labels that models/model.pt, colours and points give, or dense,
            outlines.
        folds: parts into which the patients are divided.
        fold: which of them are held out, one after the other, from 0, with commas between.
        seeds: with commas between.
        epochs: of the training (100 updates at cpu scale); rows of more updates have a multiple.
        set: settings of all trainings by their id, "id=value; id=value".
    """
    chosen, numbers, parts = chosen_recipes(rows), read_seeds(seeds), read_seeds(fold)
    if labels not in (POINTS, DENSE):
        raise ValueError(f"labels is {labels!r}: choose {POINTS} or {DENSE}")
    if outside := [part for part in parts if part >= folds]:
        raise ValueError(f"fold is {fold!r}, at {outside[0]}: there are {folds}, numbered from 0")
    around(tables.page, "recipe")  # errors come before the hours
    settings = {f"{TRAIN.name}/{name}": value for name, value in parse_overrides(set).items()}
    setups = [
        Setup(training, labels, part, folds, seed, epochs, settings, Path(training.output_dir))
        for part in parts
        for seed in numbers
    ]
    done = {run_of(record) for record in read_records(tables.records)}
    unfinished: list[str] = []
    if not tables.table_only:
        unfinished = run_recipes(setups, chosen, done)
    new = [record for setup in setups for row in chosen for record in setup.records(row)]
    _write_recipe(Path(training.output_dir), enter_records(tables.records, new), tables.page)
    if unfinished:
        raise ValueError("not finished: " + "; ".join(unfinished))


def chosen_recipes(names: str) -> list[RecipeRow]:
    """Those of the rows whose names are given, separated by commas, in the rows' order; all where none is given."""
    wanted, known = listed(names), [row.name for row in ROWS]
    if unknown := [name for name in wanted if name not in known]:
        raise ValueError(f"row {unknown[0]!r}: choose among {', '.join(known)}")
    return [row for row in ROWS if not wanted or row.name in wanted]


def patient(name: str) -> str:
    """Whose tissue an image shows: the first three parts of a TCGA barcode; any other name is a patient of its own."""
    return "-".join(name.split("-")[:3]) if name.startswith("TCGA-") else name


def held_out(items: Sequence[Item], fold: int, folds: int) -> list[Item]:
    """The images of every so-manieth patient in the order of their names, which spreads organs over the folds.

    Raises:
        ValueError: there are fewer patients than folds, or no two folds.
    """
    patients = sorted({patient(item.name) for item in items})
    if not 2 <= folds <= len(patients):
        raise ValueError(f"folds is {folds}: choose from 2 to {len(patients)}, the number of patients")
    chosen = patients[fold::folds]
    return [item for item in items if patient(item.name) in chosen]


@dataclass(frozen=True)
class Setup:
    """What all rows of one fold and seed share.

    Attributes:
        training: what is trained on, where.
        labels: `POINTS` or `DENSE`.
        fold: which part is held out.
        folds: how many there are.
        seed: of every draw of the trainings.
        epochs: of a training.
        settings: of all trainings, as `parse_overrides` returns them.
        root: the experiment's folder.
    """

    training: TrainingOptions
    labels: str
    fold: int
    folds: int
    seed: int
    epochs: int
    settings: Mapping[str, Any]
    root: Path

    @property
    def name(self) -> str:
        """Of its folder and in the names of its runs."""
        return f"{self.labels}_fold{self.fold}of{self.folds}"

    @property
    def folder(self) -> Path:
        """Where its data and its rows are."""
        return self.root / self.name

    def record_name(self, row: RecipeRow) -> str:
        """Of the records of a row."""
        return f"{row.name}_{self.name}"

    def request(self, row: RecipeRow, stages: Sequence[Stage]) -> Request:
        """What the pipeline is asked for."""
        names = {TRAIN.name: row.training, MEASURE.name: row.measuring}
        own = {f"{stage}/{name}": value for stage, each in names.items() for name, value in each.items()}
        length = {f"{TRAIN.name}/{EPOCHS}": row.times * self.epochs}
        return replace(
            self.training.request("", self.seed),
            dataset_dir=self.folder / "data",
            output_dir=row.folder(self.folder, self.seed),
            variant=row.variant,
            overrides=overrides_for({stage.name for stage in stages}, {**self.settings, **length, **own}),
        )

    def records(self, row: RecipeRow) -> list[Record]:
        """A record for each held-out image of a finished run, with what its training took."""
        folder = row.folder(self.folder, self.seed)
        metrics, manifest = read_metrics(folder / MEASURE.folder / "metrics.csv"), read_manifest(folder / TRAIN.folder)
        if not metrics or manifest is None:
            return []
        settings, network = manifest["settings"], load_network(folder / TRAIN.folder).network
        trained = trained_as(row).folder(self.folder, self.seed) / TRAIN.folder
        run: Record = {"row": self.record_name(row), "recipe": row.name, "labels": self.labels, "fold": self.fold}
        run |= {"folds": self.folds, "seed": self.seed}
        cost = {
            "updates": settings["segmentation_updates_per_epoch"] * settings[EPOCHS],
            "batch": settings["segmentation_batch_size"],
            "parameters": sum(parameter.numel() for parameter in network.parameters()),
            "minutes": round(stage_seconds(trained) / 60, 3),
        }
        kept = ({name: round(image[name], 5) for name in COMPARED if name in image} for image in metrics)
        return [{**run, "image": image["name"], **cost, **values} for image, values in zip(metrics, kept, strict=True)]


def run_recipes(setups: Sequence[Setup], rows: Sequence[RecipeRow], done: Iterable[tuple[str, int]]) -> list[str]:
    """Train and measure what is neither on record nor finished.

    Returns:
        What is not finished, "name, seed n: why".
    """
    done, unfinished = {*done}, []
    runs = [(setup, row) for setup in setups for row in rows if (setup.record_name(row), setup.seed) not in done]
    runs = [(setup, row) for setup, row in runs if not setup.records(row)]
    for setup in {setup.name: setup for setup, _ in runs}.values():
        write_fold(setup)
    trainings = {(setup.name, setup.seed, trained_as(row).name): (setup, trained_as(row)) for setup, row in runs}
    for setup, row in trainings.values():
        check_request(setup.request(row, [TRAIN]), [TRAIN])
    say_how_long(list(trainings.values()))
    for number, (setup, row) in enumerate(runs, start=1):
        name = f"{setup.record_name(row)}, seed {setup.seed}"
        logger.info("run %d of %d, %s: %s", number, len(runs), name, row.says)
        try:
            run_recipe(setup, row)
        except (StageError, BlockingIOError, FileNotFoundError) as error:
            logger.error("%s: %s", name, error)
            unfinished.append(f"{name}: {str(error).splitlines()[0]}")
    return unfinished


def trained_as(row: RecipeRow) -> RecipeRow:
    """The row that has the training of a row."""
    return next(each for each in ROWS if each.name == (row.trained_by or row.name))


def say_how_long(trainings: Sequence[tuple[Setup, RecipeRow]]) -> None:
    """Say how long these trainings take at most, by a few updates of each row."""
    paces: dict[str, float] = {}
    total = 0.0
    for setup, row in trainings:
        if row.name not in paces:
            run = StageRun(setup.request(row, [TRAIN]), TRAIN)
            paces[row.name] = sum(pace.seconds * pace.updates for pace in rehearse(run))
            logger.info("%s: %s of training", row.name, describe_seconds(paces[row.name]))
        total += paces[row.name]
    logger.info("%d trainings: at most about %s, and the images are segmented", len(trainings), describe_seconds(total))


def run_recipe(setup: Setup, row: RecipeRow) -> None:
    """Train where need be, and measure on the held-out images; errors as `run_stages`."""
    own = trained_as(row)
    run_all(setup.request(own, [TRAIN]), [TRAIN])
    if own is not row:
        share_weights(own.folder(setup.folder, setup.seed), row.folder(setup.folder, setup.seed), row.newest)
    run_all(setup.request(row, [MEASURE]), [MEASURE])


def run_all(request: Request, stages: Sequence[Stage]) -> None:
    """Run stages that are not done, without a report; errors as `run_pipeline`."""
    check_request(request, stages)
    dataset = open_dataset(request, stages)
    with hold(request.output_dir):
        run_stages([StageRun(request, stage, stage_files(dataset, stage)) for stage in stages])


def share_weights(source: Path, target: Path, newest: bool) -> None:
    """Give a row the weights of another one's training, with their card, unless it has them.

    Args:
        source: folder of the row that has the training.
        target: folder of the other one.
        newest: whether to take the last checkpoint's weights instead of those that were exported.

    Raises:
        FileNotFoundError: the training has left none.
    """
    trained, taken = source / TRAIN.folder, target / TRAIN.folder
    if (read_manifest(taken) or {}).get("complete"):
        return
    checkpoint = latest_checkpoint(trained)
    if checkpoint is None:
        raise FileNotFoundError(f"{trained}: holds no checkpoint, so its newest weights are lost: train it anew")
    settings, inputs = (read_manifest(trained) or {}).get("settings", {}), hash_files({"trained": trained / MANIFEST})
    manifest = StageManifest(taken, TRAIN.name, settings, inputs, {"trained_by": source.name, "newest": newest})
    manifest.begin()
    if newest:
        save(read(checkpoint)["state"]["network"], taken / "model.pt")
    else:
        shutil.copyfile(trained / "model.pt", taken / "model.pt")
    shutil.copyfile(card_path(trained / "model.pt"), card_path(taken / "model.pt"))
    manifest.finish()


def write_fold(setup: Setup) -> None:
    """A data set of links: the training images alone, those of one fold for testing, the others with what is learnt."""
    whole = DataFolder(setup.training.dataset_dir, check_mpp(setup.training.image_mpp))
    testing = held_out(whole.training, setup.fold, setup.folds)
    training = [item for item in whole.training if item not in testing]
    made = labels_from_points(setup, whole.training) if setup.labels == POINTS else None
    data = setup.folder / "data"
    for item in whole.training:
        learnt = item in training and made is not None
        link_item(item, made / f"{item.name}.tif" if learnt and made else item.label_path, data)
    names = {"training": [item.name for item in training], "testing": [item.name for item in testing]}
    write_json(data / "split.json", names)
    logger.info("%s: %d images to learn from; held out: %s", setup.name, len(training), ", ".join(names["testing"]))


def link_item(item: Item, label: Path | None, data: Path) -> None:
    """Link one image, its points and a label into a data set."""
    if item.points_path is None:
        raise FileNotFoundError(f"{item.image_path}: has no points: click it, or leave it out of split.json")
    for path, part in ((item.image_path, "images"), (item.points_path, "points"), (label, "labels")):
        if path is not None:
            (data / part).mkdir(parents=True, exist_ok=True)
            link_file(path, data / part)


def labels_from_points(setup: Setup, items: Sequence[Item]) -> Path:
    """The folder of the labels that `models/model.pt`, colours and points give; made once for all folds."""
    data, output = setup.root / "clicked", setup.root / "labelled"
    for item in items:
        link_item(item, None, data)
    write_json(data / "split.json", {"training": [item.name for item in items], "testing": []})
    request = replace(setup.training.request(""), dataset_dir=data, output_dir=output)
    run_all(request, [LABEL])
    return output / LABEL.folder / "relabelled" / "labels"


def _write_recipe(output_dir: Path, found: Sequence[Record], page: str) -> None:
    output_dir.mkdir(parents=True, exist_ok=True)
    write_records(output_dir / "recipe.csv", found)
    write_text(output_dir / "recipe.md", recipe_markdown(found))
    enter(page, "recipe", recipe_markdown(found))
    logger.info("%d measured images in %s", len(found), output_dir / "recipe.csv")
