# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""How fast stage 1 trains, beside a plain loop that does the same, in turn on one machine and simulated tissue."""

from __future__ import annotations

import copy
import logging
import math
import resource
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from bundle.engines.gan import CycleTrainer
from bundle.files.leftovers import scratch_folder
from bundle.networks.device import resolve_device
from bundle.pipeline.settings import path_expression
from bundle.simulation.dataset import write_dataset
from monai.bundle import ConfigParser
from scripts.benchmarks.plain_synthesis import PlainLoop, Samples, endless
from torch.utils.data import DataLoader

logger = logging.getLogger(__name__)

ROOT = Path(__file__).resolve().parents[2]
SIDE_UM, IMAGES = 250.0, 6  # of the simulated images: 1000 px at 0.25 um per px
WARM_UP, MEMORY_UPDATES, LEAST_TURNS = 5, 5, 3
GPU_BLOCK = 10  # updates between two looks at the clock on a GPU, which must not wait for the host


@dataclass(frozen=True)
class SynthesisSetup:
    """What both sides train.

    Attributes:
        preset: compute scale.
        dataset_dir: images with points.
        output_dir: where a stage would write; nothing is written there.
        image_mpp: um per px of the images; None: what their files say.
        variants: laid over the preset, in order.
    """

    preset: str
    dataset_dir: Path
    output_dir: Path
    image_mpp: float | None = None
    variants: tuple[str, ...] = ()

    def parser(self, device: torch.device | str) -> ConfigParser:
        """The configuration of stage 1, on a device, without handlers."""
        config = ConfigParser(ConfigParser.load_config_files(config_files(self.preset, self.variants)))
        config["dataset_dir"], config["output_dir"] = map(path_expression, (self.dataset_dir, self.output_dir))
        config["device"], config["split"], config["image_mpp"] = str(device), "training", self.image_mpp
        config["train::handlers"] = []
        return config


def config_files(preset: str, variants: Sequence[str] = ()) -> list[str]:
    """The files of stage 1 at a preset, with variants over it."""
    layers = [f"presets/{preset}", *(f"variants/{name}" for name in variants)]
    return [str(ROOT / "configs" / f"{name}.yaml") for name in ("train_synthesis", *layers)]


def simulated_setup(preset: str, folder: Path) -> SynthesisSetup:
    """A data set of simulated tissue in a folder, at the spacing of a preset; one that is there stays."""
    mpp = ConfigParser.load_config_files(config_files(preset))["model_mpp"]
    if not (folder / "data").is_dir():
        side = round(SIDE_UM / mpp)
        write_dataset(folder / "data", images=IMAGES, size=(side, side), mpp=mpp, testing=0)
    return SynthesisSetup(preset, folder / "data", folder / "out")


class Sides:
    """Both ways to do an update, with equal networks, on equal images.

    Args:
        setup: what they train.
        device: where both train.
        workers: processes that the plain loop's DataLoader takes.
    """

    def __init__(self, setup: SynthesisSetup, device: torch.device, workers: int) -> None:
        config = setup.parser(device)
        self.device, self.step = device, 0
        self.stream = config.get_parsed_content("train::dataloader")
        self.trainer: CycleTrainer = config.get_parsed_content("train::trainer")
        crop, batch = config.get_parsed_content("crop_size"), config.get_parsed_content("synthesis_batch_size")
        training_images = setup.parser("cpu").get_parsed_content("train::dataset")
        samples = Samples([training_images[index] for index in range(len(training_images))], crop, 1000 * batch)
        loader = DataLoader(samples, batch, num_workers=workers)
        networks = [copy.deepcopy(network) for network in self.trainer.networks.values()]
        self.plain = PlainLoop(networks, config.get_parsed_content("objective"), endless(loader), device)
        for network in self.trainer.networks.values():
            network.train()

    def ours(self) -> None:
        """One update of the trainer."""
        self.iterate(self.stream.batch(self.step))

    def iterate(self, batch: dict[str, torch.Tensor]) -> None:
        """The trainer's part of an update."""
        self.step += 1
        engine: Any = SimpleNamespace(state=SimpleNamespace(iteration=self.step))
        self.trainer._iteration(engine, batch)

    def theirs(self) -> None:
        """One update of the plain loop."""
        self.plain.update()

    def now(self) -> float:
        """Seconds, once the device has done its work."""
        if self.device.type == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter()

    def seconds(self, function: Callable[[], None], calls: int) -> float:
        """Seconds of a call, the mean over a few."""
        start = self.now()
        for _ in range(calls):
            function()
        return (self.now() - start) / calls

    def parts(self) -> dict[str, float]:
        """Seconds of the parts of one update of ours."""
        marks: list[float] = []
        inner = self.trainer._train_discriminators

        def marked(trained: bool) -> None:
            marks.append(self.now())
            inner(trained)

        start = self.now()
        batch = self.stream.batch(self.step)
        self.trainer._train_discriminators = marked  # type: ignore[method-assign]  # called between the two halves
        self.iterate(batch)
        self.trainer._train_discriminators = inner  # type: ignore[method-assign]
        end = self.now()
        return {"data": marks[0] - start, "G and F": marks[1] - marks[0], "D_X and D_S": end - marks[1]}


@dataclass(frozen=True)
class Speed:
    """Medians over turns.

    Attributes:
        ours: s for an update of the trainer.
        plain: s for an update of the plain loop.
        ratio: how many times faster ours is, the median over turns.
        turns: how many.
        shares: the parts of an update of ours, by name, in [0, 1].
    """

    ours: float
    plain: float
    ratio: float
    turns: int
    shares: Mapping[str, float]


def measure_speed(sides: Sides, updates: int, seconds: float = math.inf) -> Speed:
    """Time both sides in turn, then the parts of ours.

    Args:
        sides: the sides; both do a few updates first.
        updates: of each side, at most.
        seconds: no turn begins later than this; at least three are done.
    """
    start, block = sides.now(), GPU_BLOCK if sides.device.type == "cuda" else 1
    for _ in range(WARM_UP):
        sides.ours()
        sides.theirs()
    turns: list[tuple[float, float]] = []
    while len(turns) < max(updates // block, 1) and (len(turns) < LEAST_TURNS or sides.now() - start < seconds):
        turns.append((sides.seconds(sides.ours, block), sides.seconds(sides.theirs, block)))
    parts = [sides.parts() for _ in range(max(len(turns) * block // 10, 3))]
    medians = {name: statistics.median(part[name] for part in parts) for name in parts[0]}
    own, other = (statistics.median(column) for column in zip(*turns, strict=True))
    return Speed(
        ours=own,
        plain=other,
        ratio=statistics.median(theirs / ours for ours, theirs in turns),
        turns=len(turns),
        shares={name: value / sum(medians.values()) for name, value in medians.items()},
    )


def synthesis(
    preset: str = "cpu", device: str = "auto", updates: int = 0, workers: int = 0, threads: int | None = None
) -> None:
    """Updates per second of stage 1, beside a plain float32 loop with per-sample transforms in a DataLoader.

    Args:
        preset: compute scale: cpu or paper.
        device: auto, cpu, cuda or cuda:N.
        updates: of each side, in turn; 0: 100 on a CPU, 500 on a GPU.
        workers: processes of the plain loop's DataLoader.
        threads: of torch on a CPU; without it, as many as it takes by itself.
    """
    where = resolve_device(device)
    if threads:
        torch.set_num_threads(threads)
    with scratch_folder("benchmark") as folder:
        setup = simulated_setup(preset, folder)
        sides = Sides(setup, where, workers)
        report(preset, where, measure_speed(sides, updates or (500 if where.type == "cuda" else 100)))
        if where.type == "cuda":
            check_no_waiting(sides)
        for side in ("ours", "theirs"):
            logger.info("peak memory, %s: %.2f GiB", side, peak_memory(setup, where, workers, side) / 2**30)


def report(preset: str, device: torch.device, speed: Speed) -> None:
    """Log what was measured."""
    logger.info(
        "%s on %s, %d threads: ours %.3g updates/s, plain %.3g updates/s, %.2f times faster (medians of %d turns)",
        *(preset, device, torch.get_num_threads(), 1 / speed.ours, 1 / speed.plain, speed.ratio, speed.turns),
    )
    logger.info("share of an update: %s", ", ".join(f"{name} {100 * x:.1f} %" for name, x in speed.shares.items()))
    logger.info("12,000 updates at this rate: %.0f min", 12_000 * speed.ours / 60)


def check_no_waiting(sides: Sides) -> None:
    """A few updates in which anything that makes the host wait for the GPU is an error."""
    with no_waiting():
        for _ in range(GPU_BLOCK):
            sides.ours()
    logger.info("%d updates without waiting for the device", GPU_BLOCK)


@contextmanager
def no_waiting() -> Iterator[None]:
    """Let CUDA refuse to wait."""
    torch.cuda.set_sync_debug_mode("error")
    try:
        yield
    finally:
        torch.cuda.set_sync_debug_mode("default")


def peak_memory(setup: SynthesisSetup, device: torch.device, workers: int, side: str) -> int:
    """Most memory, bytes, that a few updates take in a process of their own: the device's on a GPU, else all of it."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:  # which may have processes of its own
        return pool.submit(_peak_memory, setup, str(device), workers, side).result()


def _peak_memory(setup: SynthesisSetup, device: str, workers: int, side: str) -> int:
    sides = Sides(setup, torch.device(device), workers)
    for _ in range(MEMORY_UPDATES):
        getattr(sides, side)()
    if sides.device.type == "cuda":
        return torch.cuda.max_memory_allocated()
    return most_resident()


def most_resident() -> int:
    """The largest resident set of this process so far, bytes."""
    status = Path("/proc/self/status")
    if status.is_file():  # Linux, where the system's own count begins with the parent's
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # bytes on macOS
