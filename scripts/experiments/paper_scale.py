# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The paper's scale in one go, on a machine that is lent for minutes: speed, generator, pairs, segmenter, accuracy.

Every part has a budget, which is said before it starts; what a part decides, such as how many updates fit, follows from
what was measured before it. The folder to take along is of use at every moment. The same command goes on after a cut.
"""

from __future__ import annotations

import gc
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from bundle.engines.base import ResumableTrainer
from bundle.engines.checkpoint import latest_checkpoint, step_of
from bundle.files.atomic import write_json
from bundle.files.images import check_mpp
from bundle.files.sole_run import lock_in, sole_run
from bundle.inference.model import write_card
from bundle.inference.painting import load_image_generator
from bundle.metrics import OUTLINE_COLUMNS, TITLES, summarise
from bundle.metrics.features import PretrainedFeatures
from bundle.metrics.image_quality import image_quality
from bundle.networks.device import describe_device, resolve_device
from bundle.networks.weights import read
from bundle.pipeline.dataset import MODEL_MPP, fit_stages, open_dataset, stage_files
from bundle.pipeline.output import hold
from bundle.pipeline.pipeline import check_request
from bundle.pipeline.plan import rehearse
from bundle.pipeline.request import Request
from bundle.pipeline.runner import run_stages
from bundle.pipeline.settings import parse_overrides
from bundle.pipeline.stage_run import StageRun
from bundle.pipeline.stages import METHOD, REAL_ONLY, Stage
from bundle.report.results import read_metrics
from ignite.engine import Events
from monai.bundle import ConfigWorkflow
from scripts.benchmarks.synthesis import Sides, SynthesisSetup, measure_speed, no_waiting
from scripts.experiments.carry import Carry, CarryOptions
from scripts.experiments.options import ROOT
from scripts.experiments.part_log import DONE, FAILED, PartLog

logger = logging.getLogger(__name__)

SPEED, TRAIN, PAINT, SEGMENT, MEASURE, ACCURACY = "speed", "train", "paint", "segment", "measure", "accuracy"
SHARES = {SPEED: 0.08, PAINT: 0.04, SEGMENT: 0.15, MEASURE: 0.05}  # of the time at most; train gets what they leave
SLACK = 1.1  # an update of a training beside the benchmark's: losses are read, pictures painted, averages kept
LEAST_SHARE = 0.1  # of the time, for the accuracy recipe to be begun
FIGURES_EVERY, WEIGHTS_EVERY = 20.0, 120.0  # s between two looks at what is taken along
TURNS = 500  # of the speed measurement at most
PACED_UPDATES = 30  # of a segmenter, before it is said how many fit
WORKERS = 8  # processes of the plain loop's DataLoader on a GPU
LENGTHS = {name: (f"{name}_updates_per_epoch", f"{name}_epochs") for name in ("synthesis", "segmentation")}  # ids
CARRIED = {"generator": "synthesis", "segmenter": "segmentation", "accuracy": "segmentation"}  # weights -> stage


@dataclass(frozen=True)
class ScaleOptions:
    """What is run.

    Attributes:
        dataset_dir: folder with images/, points/, labels/ and split.json.
        output_dir: folder for all of it: new, or that of an earlier call, which is then gone on with.
        preset: compute scale; smoke to rehearse.
        image_mpp: (or --mpp) micrometres per pixel of the images; without it their TIFF tags are asked.
        device: auto, cpu, cuda or cuda:N.
        minutes: that all calls on this output folder may take together.
        set: settings by their id, "id=value; stage/id=value".
    """

    dataset_dir: str
    output_dir: str
    preset: str = "paper"
    image_mpp: float | None = None
    device: str = "auto"
    minutes: float = 28.0
    set: str = ""

    def request(self, folder: str, variant: str) -> Request:
        """What the pipeline is asked for, in a folder below the output folder."""
        return Request(
            dataset_dir=Path(self.dataset_dir),
            output_dir=Path(self.output_dir) / folder,
            bundle_root=ROOT,
            preset=self.preset,
            device=str(resolve_device(self.device)),
            image_mpp=check_mpp(self.image_mpp),
            variant=variant,
            overrides=parse_overrides(self.set),
        )


def paper_scale(options: ScaleOptions, carried: CarryOptions, updates: int = 0, compiled: bool = False) -> None:
    """Measure stage 1's speed, train the published method, paint, segment, measure; then real_only at the same scale.

    It may be cut at any time, and the same command goes on. OUT/progress.json tells what was done and found.

    Args:
        options: what is run.
        carried: what is taken along.
        updates: of the generator, if the time allows them; 0: the preset's.
        compiled: whether compiled networks are tried as well; the generator then trains in the faster way.
    """
    root = Path(options.output_dir)
    root.mkdir(parents=True, exist_ok=True)
    with sole_run(lock_in(root), root):
        log = PartLog(root / "progress.json", options.minutes)
        scale = PaperScale(options, log, Carry(root, carried, CARRIED))
        scale.run(updates, compiled)
    if unfinished := scale.unfinished():
        raise ValueError("not finished: " + "; ".join(unfinished))


class PaperScale:
    """The parts, in order.

    Args:
        options: what is run.
        log: the budget, and what each part found.
        carry: what is taken along.
    """

    def __init__(self, options: ScaleOptions, log: PartLog, carry: Carry) -> None:
        self.options, self.log, self.carry = options, log, carry
        self.device = resolve_device(options.device)
        self.published = options.request("published", "published")
        self.accuracy = options.request("accuracy", "real_only,strong")
        for request, stages in ((self.published, METHOD), (self.accuracy, REAL_ONLY)):
            check_request(request, stages)
        open_dataset(self.published, METHOD)  # what is wrong with the data is said before any time is spent

    def run(self, updates: int, compiled: bool) -> None:
        """What is left of all parts, as far as the time goes."""
        logger.info("%s, %s, %.3g minutes", self.options.preset, describe_device(self.device), self.options.minutes)
        self.refresh(all_weights=True)
        parts: list[tuple[str, float, Callable[[], None]]] = [
            (SPEED, self.log.share(SHARES[SPEED]), partial(self._measure_speed, compiled)),
            (TRAIN, -1, partial(self._train, updates)),
            (PAINT, self.log.share(SHARES[PAINT]), partial(self._run, self.published, METHOD[1:2])),
            (SEGMENT, -1, self._segment),
            (MEASURE, self.log.share(SHARES[MEASURE]), self._measure),
            (ACCURACY, -1, self._real_only),
        ]
        for name, budget, work in parts:
            if self.log.state(name) == DONE:
                continue
            if name == ACCURACY and self.log.left < self.log.share(LEAST_SHARE):
                logger.info("part %s: not begun, %.0f s are left", name, self.log.left)
                continue
            with self.log.part(name, budget if budget >= 0 else self.log.left - self._reserve(name)):
                work()
            self.refresh(all_weights=True)

    def unfinished(self) -> list[str]:
        """The parts that stopped, and why."""
        return [f"{name}: {part['error']}" for name, part in self.log.parts.items() if part.get("state") == FAILED]

    def refresh(self, all_weights: bool = False) -> None:
        """Bring what is taken along up to date; with the weights of finished trainings where asked for."""
        self.log.write()
        self.carry.write_figures(said(self.log, self._accuracies()))
        if not all_weights:
            return
        for name in self.carry.weights:
            path, newest = self._weights(name), latest_checkpoint(self._weights(name).parent)
            if path.is_file() and newest is not None and not self.carry.holds(name, step_of(newest)):
                self.carry.add_weights(name, step_of(newest), read(path))

    def _weights(self, name: str) -> Path:
        root = self.accuracy.output_dir if name == "accuracy" else self.published.output_dir
        return root / CARRIED[name] / ("generator.pt" if name == "generator" else "model.pt")

    def _reserve(self, name: str) -> float:
        """Seconds that the parts after one of these need at the most."""
        order = [SPEED, TRAIN, PAINT, SEGMENT, MEASURE]
        later = order[order.index(name) + 1 :] if name in order else []
        return sum(self.log.share(SHARES[part]) for part in later)

    def _measure_speed(self, compiled: bool) -> None:
        mpp = self.options.image_mpp
        folder = self.published.output_dir.parent / SPEED
        setup = SynthesisSetup(self.options.preset, self.published.dataset_dir, folder, mpp, ("published",))
        on_gpu = self.device.type == "cuda"
        sides = Sides(setup, self.device, WORKERS if on_gpu else 0)
        speed = measure_speed(sides, TURNS, self.log.share(SHARES[SPEED]) / 2)
        self.log.note(
            SPEED,
            device=describe_device(self.device),
            torch=str(torch.__version__),
            precision=sides.trainer.precision.name,
            ours_updates_per_second=round(1 / speed.ours, 3),
            plain_updates_per_second=round(1 / speed.plain, 3),
            times_faster=round(speed.ratio, 3),
            turns=speed.turns,
            shares={name: round(share, 4) for name, share in speed.shares.items()},
        )
        if on_gpu:
            self.log.note(SPEED, waits=waits(sides))
        if compiled:
            self.log.note(SPEED, **compiled_speed(sides))
        del sides
        gc.collect()  # engines refer to themselves in circles

    def _length(self, request: Request, stage: Stage) -> tuple[int, int]:
        """Updates of an epoch of a training, and epochs, as the preset has them."""
        config = StageRun(request, stage).config
        updates, epochs = LENGTHS[stage.name]
        return int(config[updates]), int(config[epochs])

    def _pace(self, request: Request, stage: Stage) -> float:
        """Seconds of an update of a training, by a few of them."""
        return rehearse(StageRun(request, stage.rehearsal or stage), PACED_UPDATES)[-1].seconds

    def _train(self, updates: int) -> None:
        found, speed = self.log.found(TRAIN), self.log.found(SPEED)
        budget = self.log.left - self._reserve(TRAIN)
        if not found:
            length, preset = self._length(self.published, METHOD[0])
            wanted = max(updates // length, 1) if updates else preset
            rate = speed.get("ours_updates_per_second")
            seconds = SLACK / rate if rate else self._pace(self.published, METHOD[0])
            faster = pays(speed, wanted * length)
            if faster:
                seconds, budget = SLACK / speed["compiled_updates_per_second"], budget - speed["compiling_seconds"]
            epochs = epochs_that_fit(budget, seconds * length, wanted)
            self.log.note(TRAIN, epochs=epochs, updates=epochs * length, wanted=wanted * length, compiled=faster)
            found = self.log.found(TRAIN)
            logger.info(
                "%d of %d updates of %.3g s fit into %.0f s", found["updates"], found["wanted"], seconds, budget
            )
        settings: dict[str, Any] = {"synthesis/synthesis_epochs": found["epochs"]}
        if found["compiled"]:
            settings["synthesis/compiled"] = "$[@generator, @segmenter]"
        self.published = with_settings(self.published, settings)
        if self.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats()
        self._run(self.published, METHOD[:1], self.log.left - self._reserve(TRAIN), {"generator": "generator"})
        self.log.note(TRAIN, updates_done=self._updates_done(self.published, METHOD[0]))
        if self.device.type == "cuda":
            self.log.note(TRAIN, peak_memory_gib=peak_gib())

    def _segment(self) -> None:
        self.published = self._chosen_length(SEGMENT, self.published, METHOD[2])
        self._run(self.published, METHOD[2:3], self.log.left - self._reserve(SEGMENT), {"segmenter": "network"})
        self.log.note(SEGMENT, updates_done=self._updates_done(self.published, METHOD[2]))

    def _measure(self) -> None:
        self._run(self.published, METHOD[3:])
        root = self.published.output_dir
        try:
            folder, extractor = open_dataset(self.published, METHOD), PretrainedFeatures(self.device)
            paint = load_image_generator(root / "synthesis" / "generator.pt", self.device).paint
            mpp = StageRun(self.published, METHOD[1]).config[MODEL_MPP]
            write_json(root / "quality.json", image_quality(folder, root / "synthetic", extractor, mpp, paint=paint))
        except ValueError as error:  # the package of the features' weights is not there, or images are too small
            logger.warning("images are not compared: %s", error)

    def _real_only(self) -> None:
        self._run(self.accuracy, REAL_ONLY[:2], self.log.left, {})
        self.accuracy = self._chosen_length(ACCURACY, self.accuracy, REAL_ONLY[2])
        budget = self.log.left - self.log.share(SHARES[MEASURE])
        self._run(self.accuracy, REAL_ONLY[2:3], budget, {"accuracy": "network"})
        self.log.note(ACCURACY, updates_done=self._updates_done(self.accuracy, REAL_ONLY[2]))
        self._run(self.accuracy, REAL_ONLY[3:])

    def _chosen_length(self, part: str, request: Request, stage: Stage) -> Request:
        """The request with as many epochs of a segmenter as fit, decided once."""
        if not self.log.found(part):
            length, preset = self._length(request, stage)
            seconds, budget = SLACK * self._pace(request, stage), self.log.left - self.log.share(SHARES[MEASURE])
            epochs = epochs_that_fit(budget, seconds * length, preset)
            self.log.note(part, epochs=epochs, updates=epochs * length, wanted=preset * length)
            logger.info("%d of %d updates of %.3g s fit into %.0f s", epochs * length, preset * length, seconds, budget)
        return with_settings(request, {f"{stage.name}/{LENGTHS[stage.name][1]}": self.log.found(part)["epochs"]})

    def _run(
        self, request: Request, stages: Sequence[Stage], seconds: float = float("inf"), kept: Mapping[str, str] = {}
    ) -> None:
        """Run stages; a training ends when its seconds are over, and its networks are taken along meanwhile."""
        end = time.monotonic() + seconds
        dataset = open_dataset(request, stages)
        fitting = fit_stages(stages, dataset)

        def watch(run: StageRun, workflow: ConfigWorkflow) -> None:
            for name in kept:
                write_card(self.log.path.parent / "cards" / f"{name}.pt", workflow.parser.get_parsed_content("card"))
            for trainer in run.stage.trainers:
                engine: ResumableTrainer = workflow.parser.get_parsed_content(trainer)
                engine.add_event_handler(Events.ITERATION_COMPLETED, Lookout(self, end, kept))

        with hold(request.output_dir):
            run_stages([StageRun(request, stage, stage_files(dataset, stage)) for stage in fitting], watch)

    def _updates_done(self, request: Request, stage: Stage) -> int:
        newest = latest_checkpoint(request.output_dir / stage.folder)
        return 0 if newest is None else step_of(newest)

    def _accuracies(self) -> dict[str, Mapping[str, Any]]:
        """What was measured on the testing images: title -> metric -> {"mean", "sd"}."""
        runs = {"synthetic pairs alone": self.published, "real images, strong recipe": self.accuracy}
        found = {title: read_metrics(run.output_dir / "predictions" / "metrics.csv") for title, run in runs.items()}
        return {title: summarise(rows) for title, rows in found.items() if rows}


class Lookout:
    """Handler: refreshes what is taken along every so often, and ends a training when its time is over.

    Args:
        scale: whose carry folder it is.
        end: of the training, as `time.monotonic` tells it.
        kept: name of weights -> the engine's network.
    """

    def __init__(self, scale: PaperScale, end: float, kept: Mapping[str, str]) -> None:
        self.scale, self.end, self.kept = scale, end, kept
        self.figures = self.weights = time.monotonic()

    def __call__(self, engine: ResumableTrainer) -> None:
        """After an update."""
        now = time.monotonic()
        if now >= self.end:
            logger.warning("the time is over: this training ends at update %d", engine.state.iteration)
            engine.terminate()
        if now - self.figures >= FIGURES_EVERY:
            self.scale.refresh()
            self.figures = time.monotonic()
        if now - self.weights >= WEIGHTS_EVERY:
            for name, network in self.kept.items():
                if name in self.scale.carry.weights and network in engine.networks:
                    self.scale.carry.add_weights(name, engine.state.iteration, engine.networks[network].state_dict())
            self.weights = time.monotonic()


def peak_gib() -> float:
    """Most memory, GiB, that torch has had of the GPU since this was last reset."""
    return round(torch.cuda.max_memory_allocated() / 2**30, 2)


def waits(sides: Sides, updates: int = 10) -> str:
    """What makes the host wait for the GPU in an update of ours; "" where nothing does."""
    try:
        with no_waiting():
            for _ in range(updates):
                sides.ours()
    except RuntimeError as error:
        return str(error).splitlines()[0]
    return ""


def compiled_speed(sides: Sides, updates: int = 50) -> dict[str, Any]:
    """How fast updates of ours are with G and F compiled, and what compiling costs, s; why not, where it fails."""
    try:
        for network in (sides.trainer.generator, sides.trainer.segmenter):
            network.compile()
        start = sides.now()
        sides.ours()
        begun = sides.now() - start
        return {
            "compiling_seconds": round(begun, 1),
            "compiled_updates_per_second": round(1 / sides.seconds(sides.ours, updates), 3),
        }
    except Exception as error:  # compilers fail in their own ways; what was measured without one stands
        logger.warning("compiled networks do not run here: %s", str(error).splitlines()[0])
        return {"compiled_error": str(error).splitlines()[0]}


def pays(speed: Mapping[str, Any], updates: int) -> bool:
    """Whether so many updates of compiled networks take less time than others, what compiling costs included."""
    if "compiled_updates_per_second" not in speed:
        return False
    compiled = speed["compiling_seconds"] + updates / speed["compiled_updates_per_second"]
    return bool(compiled < updates / speed["ours_updates_per_second"])


def epochs_that_fit(budget: float, seconds: float, wanted: int) -> int:
    """As many epochs of some seconds as fit into a budget, at most those wanted.

    Raises:
        ValueError: not even one does.
    """
    fitting = min(int(budget / seconds), wanted)
    if fitting < 1:
        raise ValueError(
            f"no epoch of {seconds:.3g} s fits into the {max(budget, 0):.3g} s that are left: give more --minutes"
        )
    return fitting


def with_settings(request: Request, settings: Mapping[str, Any]) -> Request:
    """The request with further settings by their id."""
    return replace(request, overrides={**request.overrides, **settings})


def said(log: PartLog, accuracies: Mapping[str, Mapping[str, Any]]) -> str:
    """What a run has done and found so far, as plain text."""
    lines = [f"{log.seconds / 60:.1f} of {log.minutes:g} minutes used", ""]
    for name, part in log.parts.items():
        lines.append(f"{name}: {part.get('state', '')}, {part.get('seconds', 0):.0f} s")
        lines += [f"    {part['error']}"] if "error" in part else []
        lines += [f"    {key}: {value}" for key, value in part.get("found", {}).items()]
    for title, metrics in accuracies.items():
        means = (f"{TITLES[key]} {metrics[key]['mean']:.3f}" for key in OUTLINE_COLUMNS if key in metrics)
        lines.append(f"{title}, on the testing images: {', '.join(means)}")
    return "\n".join(lines)
