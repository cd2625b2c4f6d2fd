# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""What the 10th, 100th, 1,000th click buys: a simulated user of the click page, with and without proposals.

The user goes through square regions of the training images and does in each what it takes until everything is clicked:
a click for each nucleus, or, with proposals, one to take all, two to remove a false one, one to add a missing one. Some
nuclei are overlooked, and clicks lie beside the centres. Then the page's own training runs. Every budget of actions is
a training of its own, measured on the testing images; the same command goes on where it was cut.

Seconds: a median of 0.9 s for each further point (Bearman et al. 2016, "What's the Point", ECCV). That a
look at a proposal takes 0.3 s is our guess.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from bundle.annotations.clicks import Outline
from bundle.click_page.clicks.regions_table import rectangle, regions_text
from bundle.click_page.work.findings import Findings, Found
from bundle.data.folder import DataFolder
from bundle.data.items import Item
from bundle.files.atomic import write_text
from bundle.files.bundle_root import MODEL, ROOT
from bundle.files.images import check_mpp, read_image
from bundle.files.points_csv import write_points
from bundle.files.value_rules import listed
from bundle.files.writers import write_image
from bundle.inference.model import model_path, read_card
from bundle.label_server.query import Query
from bundle.label_server.training import Training
from bundle.metrics.detection import pair_points
from bundle.pipeline.pipeline import run_pipeline
from bundle.pipeline.settings import path_expression
from bundle.pipeline.stages import method_with
from matplotlib.figure import Figure
from scripts.benchmarks.click import STATED, accuracy_of
from scripts.experiments.options import TableOptions
from scripts.experiments.page import around, enter, markdown_table
from scripts.experiments.records import Record, enter_records, read_records, run_of, write_records

logger = logging.getLogger(__name__)

WITH, WITHOUT = "proposals", "clicks_alone"
PREDICTIONS = "predictions"  # the stage that is left out: testing images are measured here


@dataclass(frozen=True)
class SimulatedUser:
    """How somebody clicks.

    Attributes:
        noise_um: standard deviation of a click around the centre, along x and y each.
        overlooked: share of the nuclei, and of the false proposals, that are passed over.
        radius_um: a proposal this near to a centre is right.
        click_s: seconds of an action.
        look_s: seconds that a look at a proposal takes.
    """

    noise_um: float = 0.5
    overlooked: float = 0.05
    radius_um: float = 3.0
    click_s: float = 0.9
    look_s: float = 0.3


@dataclass(frozen=True)
class Work:
    """What was done in one region.

    Attributes:
        points: float64 (N, 2), x and y in px of the image: the clicks that stand at the end.
        actions: clicks and keys.
        looks: proposals that were looked at.
    """

    points: np.ndarray
    actions: int
    looks: int = 0


def click_region(
    centres: np.ndarray, proposed: np.ndarray | None, mpp: float, user: SimulatedUser, drawn: np.random.Generator
) -> Work:
    """Click everything in one region.

    Args:
        centres: true ones, float64 (N, 2), x and y in px.
        proposed: the model's, likewise; None: there are no proposals.
        mpp: um per px.
        user: who clicks.
        drawn: of noise and of what is overlooked.
    """
    seen = centres[drawn.random(len(centres)) >= user.overlooked]
    clicks = seen + drawn.normal(0, user.noise_um / mpp, seen.shape)
    if proposed is None:
        return Work(clicks, len(clicks))
    right, met = pair_points(proposed, seen, user.radius_um / mpp)
    false = np.setdiff1d(np.arange(len(proposed)), right)
    removed = false[drawn.random(len(false)) >= user.overlooked]
    kept, added = np.delete(proposed, removed, axis=0), np.delete(clicks, met, axis=0)
    return Work(np.concatenate([kept, added]), int(len(proposed) > 0) + 2 * len(removed) + len(added), len(proposed))


@dataclass(frozen=True)
class Region:
    """A square of one image that may be clicked."""

    item: Item
    x: int  # px of its first column
    y: int
    side: int  # px

    def holds(self, points: np.ndarray) -> np.ndarray:
        """(N,) bool: which points (N, 2) lie in it."""
        offsets = points - (self.x - 0.5, self.y - 0.5)
        return np.logical_and(offsets >= 0, offsets < self.side).all(axis=1).reshape(-1)


@dataclass(frozen=True)
class CurvePoint:
    """One point of a curve.

    Attributes:
        way: `WITH` or `WITHOUT`.
        budget: actions, at most; 0: the weights as they are.
        seed: of every draw.
    """

    way: str
    budget: int
    seed: int

    @property
    def name(self) -> str:
        """Of its folder and its record."""
        return f"{self.way}_{self.budget}"


@dataclass(frozen=True)
class CurveOptions:
    """The points of the curves.

    Attributes:
        ways: of clicks_alone and proposals, with commas between.
        budgets: numbers of actions, likewise.
        region_um: side of a region, um.
        updates: of each training, whole hundreds.
        seed: of every draw.

    Raises:
        ValueError: there is no such way.
    """

    ways: str = f"{WITHOUT},{WITH}"
    budgets: str = "0,30,100,300,1000"
    region_um: float = 96.0
    updates: int = 400
    seed: int = 0

    def __post_init__(self) -> None:
        if wrong := [way for way in listed(self.ways) if way not in (WITH, WITHOUT)]:
            raise ValueError(f"ways names {wrong[0]!r}: choose of {WITHOUT}, {WITH}")

    def points(self) -> list[CurvePoint]:
        """The points, way by way."""
        every = [(way, int(budget)) for way in listed(self.ways) for budget in listed(self.budgets)]
        return [CurvePoint(way, budget, self.seed) for way, budget in every]


def clicks(
    dataset_dir: str,
    output_dir: str,
    tables: TableOptions,
    curves: CurveOptions,
    image_mpp: float | None = None,
    model: str = str(MODEL),
    preset: str = "cpu",
    figure: str = "",
) -> None:
    """Let a simulated user click, train, and measure, for growing numbers of actions.

    Args:
        dataset_dir: folder with images/, points/, labels/ and split.json: its training images are clicked, by their
            points, its testing images measured.
        output_dir: folder for all runs: new, empty, or that of an earlier call, which is then continued.
        tables: where finished runs are kept and shown.
        curves: what is measured.
        image_mpp: (or --mpp) um per px of the images; without it their tags are asked.
        model: the weights that propose, and that training begins with.
        preset: compute scale.
        figure: PNG of the curves; OUT/clicks.png without it.

    Raises:
        ValueError: an option is of no use, or images are of unknown um per px.
    """
    around(tables.page, "clicks")
    channels = read_card(model_path(model)).channels
    output, folder = Path(output_dir), DataFolder(dataset_dir, check_mpp(image_mpp), channels)
    epochs = max(curves.updates // 100, 1)
    bench = Bench(folder, model_path(model), output, SimulatedUser(), curves.region_um, preset, epochs)
    done = {run_of(record) for record in read_records(tables.records or output / "clicks.csv")}
    records = str(tables.records or output / "clicks.csv")
    for point in () if tables.table_only else curves.points():
        if (point.name, point.seed) not in done:
            enter_records(records, [bench.run(point)])
    found = read_records(records)
    write_records(output / "clicks.csv", found)
    write_text(output / "clicks.md", clicks_markdown(found))
    enter(tables.page, "clicks", clicks_markdown(found))
    draw_clicks(Path(figure or output / "clicks.png"), found)


@dataclass(frozen=True)
class Bench:
    """What all points share."""

    folder: DataFolder
    model: Path
    output: Path
    user: SimulatedUser
    region_um: float
    preset: str
    epochs: int

    def run(self, point: CurvePoint) -> Record:
        """Click, train and measure one point."""
        root = self.output / f"seed_{point.seed}" / point.name
        record: Record = {"row": point.name, "seed": point.seed, "way": point.way, "budget": point.budget}
        trained, spent = self.model, Work(np.zeros((0, 2)), 0)
        if point.budget:
            spent = self.click(point, root / "data")
            if not len(spent.points):
                raise ValueError(f"{point.budget} actions suffice for no region: allow more, or smaller regions")
            trained = self.train(root)
        seconds = self.user.click_s * spent.actions + self.user.look_s * spent.looks
        record |= {"actions": spent.actions, "clicks": len(spent.points), "minutes": round(seconds / 60, 2)}
        measured = accuracy_of(Query(trained, self.folder.mpp), self.folder, self.folder.testing)
        record |= {name: round(value, 4) for name, value in measured.items()}
        logger.info("%s: %s", point.name, record)
        return record

    def regions(self, seed: int) -> list[Region]:
        """All regions of the training images, without overlap, in a random order."""
        found = []
        for item in self.folder.training:
            image = read_image(item.image_path)
            mpp = self.folder.mpp or image.mpp
            if mpp is None:
                raise ValueError(f"{item.image_path}: um per px unknown: state it (--mpp)")
            side, (height, width) = round(self.region_um / mpp), image.array.shape[1:]
            found += [
                Region(item, x, y, side)
                for y in range(0, height - side + 1, side)
                for x in range(0, width - side + 1, side)
            ]
        return [found[place] for place in np.random.default_rng(seed).permutation(len(found)).tolist()]

    def click(self, point: CurvePoint, data: Path) -> Work:
        """Click regions as long as the budget lasts; one that needs more than is left of it is passed over."""
        findings, spent, looks = Findings(), 0, 0
        kept: dict[str, list[tuple[Region, np.ndarray]]] = {}
        for number, region in enumerate(self.regions(point.seed)):
            if spent >= point.budget:
                break
            sample = self.folder.load(region.item)
            centres, mpp = sample["points"].double().numpy(), sample["mpp"]
            proposed = None
            if point.way == WITH:
                found: Found = findings.find(region.item.image_path, Query(self.model, self.folder.mpp))
                proposed = found.centres[region.holds(found.centres)]
            drawn = np.random.default_rng([point.seed, number])
            work = click_region(centres[region.holds(centres)], proposed, mpp or 1.0, self.user, drawn)
            if spent + work.actions > point.budget or not len(work.points):
                continue
            spent, looks = spent + work.actions, looks + work.looks
            inside = work.points[region.holds(work.points)]  # a click that noise moved out is outside
            kept.setdefault(region.item.name, []).append((region, inside))
        write_clicked(self.folder, kept, data)
        points = [points for each in kept.values() for _, points in each]
        return Work(np.concatenate(points) if points else np.zeros((0, 2)), spent, looks)

    def train(self, root: Path) -> Path:
        """Train as the page does, from the given weights."""
        epochs = {"segmentation_epochs": self.epochs}
        variant = "pretrained,grey" if self.folder.channels == 1 else "pretrained"
        training = Training(self.preset, variant, self.folder.mpp, epochs=epochs, init_weights=self.model)
        weights = {"pretrained": path_expression(self.model)}
        request = replace(training.as_pipeline(ROOT), dataset_dir=root / "data", output_dir=root / "runs")
        request = replace(request, image_mpp=self.folder.mpp, overrides={**request.overrides, **weights})
        stages = [stage for stage in method_with(request.variants) if stage.folder != PREDICTIONS]
        run_pipeline(request, stages)
        return root / "runs" / "segmentation" / "model.pt"


def write_clicked(folder: DataFolder, kept: dict[str, list[tuple[Region, np.ndarray]]], data: Path) -> None:
    """Images, points and regions of what was clicked, as the click page leaves them."""
    for part in ("images", "points", "regions"):
        (data / part).mkdir(parents=True, exist_ok=True)
    for name, each in kept.items():
        image = read_image(each[0][0].item.image_path)
        height, width = image.array.shape[1:]
        outlines: list[Outline] = [
            rectangle((one.x, one.y), (one.x + one.side - 1, one.y + one.side - 1), (height, width)) for one, _ in each
        ]
        points = np.clip(np.concatenate([points for _, points in each]), 0, (width - 1, height - 1))
        write_image(data / "images" / f"{name}.tif", image.array, folder.mpp or image.mpp)
        write_points(data / "points" / f"{name}.csv", torch.from_numpy(points).float())
        write_text(data / "regions" / f"{name}.geojson", regions_text(outlines, name))


HEADER = ("way", "actions", "clicks", "minutes", "AJI", "detection F1")


def clicks_markdown(records: Sequence[Record]) -> str:
    """The table of all runs."""
    lines = [
        [
            str(record["way"]).replace("_", " "),
            f"{record['actions']:,}",
            f"{record['clicks']:,}",
            f"{record['minutes']:.1f}",
            *(f"{record[name]:.3f}" if name in record else "" for name in STATED),
        ]
        for record in sorted(records, key=lambda each: (each["way"], each["budget"], each["seed"]))
    ]
    return markdown_table(HEADER, lines)


def draw_clicks(path: Path, records: Sequence[Record]) -> None:
    """The curves: each metric against actions, and against estimated minutes."""
    drawing = Figure(figsize=(9, 6), layout="constrained")
    places = drawing.subplots(2, 2, sharey="row")
    for row, metric in zip(places, STATED, strict=True):
        for place, along in zip(row, ("actions", "minutes"), strict=True):
            for way in dict.fromkeys(str(record["way"]) for record in records):
                own = [record for record in records if record["way"] == way and metric in record]
                own.sort(key=lambda record: record[along])
                place.plot([each[along] for each in own], [each[metric] for each in own], "o-", label=way)
            place.set_xscale("symlog", linthresh=10 if along == "actions" else 0.5)
            place.set_xlabel(along)
        row[0].set_ylabel({"aji": "AJI", "detection_f1": "detection F1"}[metric])
    places[0][0].legend()
    drawing.savefig(path, dpi=110)
