# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""How fast stage 1 trains, beside a plain loop that does the same, in turn on one machine and simulated tissue."""

from __future__ import annotations

import copy
import logging
import resource
import statistics
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from bundle.engines.gan import CycleTrainer
from bundle.files.leftovers import scratch_folder
from bundle.networks.device import resolve_device
from bundle.simulation.dataset import write_dataset
from monai.bundle import ConfigParser
from scripts.benchmarks.plain_synthesis import PlainLoop, Samples, endless
from torch.utils.data import DataLoader

logger = logging.getLogger(__name__)

ROOT = Path(__file__).resolve().parents[2]
SIDE_UM, IMAGES = 250.0, 6  # of the simulated images: 1000 px at 0.25 um per px
WARM_UP, MEMORY_UPDATES = 5, 5
GPU_BLOCK = 10  # updates between two looks at the clock on a GPU, which must not wait for the host


class Sides:
    """Both ways to do an update, with equal networks, on equal images.

    Args:
        preset: compute scale.
        device: where both train.
        workers: processes that the plain loop's DataLoader takes.
        folder: of the simulated data set, with room for what a stage writes.
    """

    def __init__(self, preset: str, device: torch.device, workers: int, folder: Path) -> None:
        config = parse(preset, device, folder)
        self.device, self.step = device, 0
        self.stream = config.get_parsed_content("train::dataloader")
        self.trainer: CycleTrainer = config.get_parsed_content("train::trainer")
        crop, batch = config.get_parsed_content("crop_size"), config.get_parsed_content("synthesis_batch_size")
        training_images = parse(preset, torch.device("cpu"), folder).get_parsed_content("train::dataset")
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


def parse(preset: str, device: torch.device, folder: Path) -> ConfigParser:
    """The configuration of stage 1 at a preset, its data set simulated in a folder."""
    files = [ROOT / "configs" / "train_synthesis.yaml", ROOT / "configs" / "presets" / f"{preset}.yaml"]
    config = ConfigParser(ConfigParser.load_config_files([str(file) for file in files]))
    mpp, side = config["model_mpp"], round(SIDE_UM / config["model_mpp"])
    if not (folder / "data").is_dir():
        write_dataset(folder / "data", images=IMAGES, size=(side, side), mpp=mpp, testing=0)
    config["dataset_dir"], config["output_dir"] = str(folder / "data"), str(folder / "out")
    config["device"], config["split"] = str(device), "training"
    config["train::handlers"] = []
    return config


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
    block = GPU_BLOCK if where.type == "cuda" else 1
    updates = updates or (500 if where.type == "cuda" else 100)
    with scratch_folder("benchmark") as folder:
        sides = Sides(preset, where, workers, folder)
        for _ in range(WARM_UP):
            sides.ours()
            sides.theirs()
        turns = [
            (sides.seconds(sides.ours, block), sides.seconds(sides.theirs, block))
            for _ in range(max(updates // block, 1))
        ]
        parts = [sides.parts() for _ in range(max(updates // 10, 3))]
        report(preset, where, turns, parts)
        if where.type == "cuda":
            check_no_waiting(sides)
        for side in ("ours", "theirs"):
            logger.info("peak memory, %s: %.2f GiB", side, peak_memory(preset, where, workers, folder, side) / 2**30)


def report(preset: str, device: torch.device, turns: list[tuple[float, float]], parts: list[dict[str, float]]) -> None:
    """Log the medians of both sides, the median of the ratios, and the share of each part."""
    own, other = (statistics.median(column) for column in zip(*turns, strict=True))
    ratio = statistics.median(theirs / ours for ours, theirs in turns)
    logger.info(
        "%s on %s, %d threads: ours %.3g updates/s, plain %.3g updates/s, %.2f times faster (medians of %d turns)",
        *(preset, device, torch.get_num_threads(), 1 / own, 1 / other, ratio, len(turns)),
    )
    medians = {name: statistics.median(part[name] for part in parts) for name in parts[0]}
    total = sum(medians.values())
    shares = ", ".join(f"{name} {100 * seconds / total:.1f} %" for name, seconds in medians.items())
    logger.info("share of an update: %s", shares)
    logger.info("12,000 updates at this rate: %.0f min", 12_000 * own / 60)


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


def peak_memory(preset: str, device: torch.device, workers: int, folder: Path, side: str) -> int:
    """Most memory, bytes, that a few updates take in a process of their own: the device's on a GPU, else all of it."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:  # which may have processes of its own
        return pool.submit(_peak_memory, preset, str(device), workers, folder, side).result()


def _peak_memory(preset: str, device: str, workers: int, folder: Path, side: str) -> int:
    sides = Sides(preset, torch.device(device), workers, folder)
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
