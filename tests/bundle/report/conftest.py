# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""A finished output folder made of small arrays, as the stages would leave it."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from bundle.files.manifest import StageManifest
from bundle.pipeline.baselines import BASELINE_TITLES
from bundle.report import write_report

NAMES = ["tissue 1 #a", "tissue <b>2", "plain"]  # names that addresses and HTML must not swallow


def draw_disks(size: int, count: int, seed: int, shift: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """A label (size, size) of disks, and their centres (n, 2) as x, y."""
    rng = np.random.default_rng(seed)
    centres = rng.integers(6, size - 6, (count, 2))
    label = np.zeros((size, size), np.uint16)
    y, x = np.indices(label.shape)
    for number, (cx, cy) in enumerate(centres, start=1):
        label[(x - cx - shift) ** 2 + (y - cy) ** 2 <= 16 + 9 * (number % 3)] = number
    return label, centres


def paint(label: np.ndarray, seed: int) -> np.ndarray:
    """Pink ground and violet objects with noise, uint8 (H, W, 3)."""
    colours = np.where((label > 0)[..., None], (110, 60, 140), (235, 190, 215))
    return np.clip(colours + np.random.default_rng(seed).normal(0, 8, colours.shape), 0, 255).astype(np.uint8)


def write_losses(path: Path, terms: list[str], count: int) -> None:
    steps = np.arange(1, count + 1) * 10
    rng = np.random.default_rng(count)
    values = [np.exp(-steps / (count * 4)) + rng.normal(0, 0.05, count) for _ in terms]
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["step", "seconds", *terms])
        writer.writerows(zip(steps, steps * 0.3, *values, strict=True))


def write_metrics(path: Path, shift: float) -> None:
    columns = ["name", "iou", "f1", "dice", "aji", "pq", "dq", "sq", "detection_f1"]
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        for number, name in enumerate(NAMES):
            writer.writerow([name, *(0.5 + shift + 0.1 * number + 0.01 * column for column in range(8))])


def write_dataset(folder: Path, size: int, labels: bool) -> None:
    for part in ("images", "points", "labels"):
        (folder / part).mkdir(parents=True)
    for seed, name in enumerate(NAMES):
        label, centres = draw_disks(size, 30, seed)
        Image.fromarray(paint(label, seed)).save(folder / "images" / f"{name}.png")
        np.savetxt(folder / "points" / f"{name}.csv", centres, "%.1f", ",", header="x,y", comments="")
        if labels:
            Image.fromarray(label).save(folder / "labels" / f"{name}.png")


def write_predictions(folder: Path, size: int, shift: int, measured: bool) -> None:
    for part in ("labels", "overlays"):
        (folder / part).mkdir(parents=True)
    for seed, name in enumerate(NAMES):
        label, _ = draw_disks(size, 28, seed, shift)
        tifffile.imwrite(folder / "labels" / f"{name}.tif", label)
        Image.fromarray(paint(label, seed)).save(folder / "overlays" / f"{name}.png")
    if measured:
        write_metrics(folder / "metrics.csv", -0.1 * shift)


def write_synthetic(folder: Path, size: int) -> None:
    for part in ("images", "labels", "points"):
        (folder / part).mkdir(parents=True)
    for seed, name in enumerate(NAMES):
        label, centres = draw_disks(size, 25, seed)
        Image.fromarray(paint(label, seed + 9)).save(folder / "images" / f"{name}_0.png")
        Image.fromarray(label).save(folder / "labels" / f"{name}_0.png")
        np.savetxt(folder / "points" / f"{name}_0.csv", centres, "%.1f", ",", header="x,y", comments="")
    (folder / "relabelled" / "labels").mkdir(parents=True)
    for seed, name in enumerate(NAMES):
        Image.fromarray(draw_disks(size, 25, seed)[0]).save(folder / "relabelled" / "labels" / f"{name}.png")


def finish(folder: Path, dataset: Path) -> None:
    record = {"dataset_dir": str(dataset), "preset": "cpu", "seed": 3, "device": "cpu"}
    record |= {"arguments": {"preset": "cpu", "mpp": 0.25, "seed": 3}}
    manifest = StageManifest(folder, folder.name, {"network_def::width": 8, "note": "<script>"}, {}, record)
    manifest.begin()
    manifest.finish()


@pytest.fixture
def make_output(tmp_path: Path) -> Callable[..., Path]:
    """Write a data set and a finished output folder beside it; returns the latter."""
    return output_maker(tmp_path)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished output folder with baselines, labels and its report, for tests that only read."""
    output = output_maker(tmp_path_factory.mktemp("whole"))()
    write_report(output, titles=BASELINE_TITLES)
    return output


def output_maker(folder: Path) -> Callable[..., Path]:
    def make(size: int = 48, labels: bool = True, baselines: tuple[str, ...] = ("ellipses", "dense")) -> Path:
        dataset, output = folder / "my data", folder / "out 50% #1"
        write_dataset(dataset, size, labels)
        (output / "synthesis" / "samples").mkdir(parents=True)
        for step in (100, 200, 300, 400):
            for kind in ("update", "noises"):
                picture = Image.fromarray(paint(draw_disks(size, 20, step)[0], step))
                picture.save(output / f"synthesis/samples/{kind}_{step:06d}.png")
        write_losses(output / "synthesis" / "losses.csv", ["generator_adversarial", "cycle", "instance"], 50)
        write_losses(output / "synthesis" / "watch.csv", ["contrast_real", "cycle"], 4)
        write_synthetic(output / "synthetic", size)
        for row, shift in zip((".", *(f"baselines/{name}" for name in baselines)), (0, 1, 2), strict=False):
            (output / row / "segmentation").mkdir(parents=True)
            write_losses(output / row / "segmentation" / "losses.csv", ["offset", "dice"], 900)
            write_predictions(output / row / "predictions", size, shift, labels)
            for stage in ("segmentation", "predictions"):
                finish(output / row / stage, dataset)
        for stage in ("synthesis", "synthetic"):
            finish(output / stage, dataset)
        (output / "examples" / "real_tissue").mkdir(parents=True)
        Image.fromarray(paint(draw_disks(size, 20, 7)[0], 7)).save(output / "examples" / "real_tissue" / "overlay.png")
        return output

    return make
