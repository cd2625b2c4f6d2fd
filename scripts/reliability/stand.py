# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""What the campaign works on: a small simulated data set, a slide, clicks, and a model that real commands trained."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tifffile
from bundle.files.atomic import draft_folder, write_text
from bundle.files.images import read_image
from bundle.simulation.dataset import write_dataset

from .children import ROOT, Command, Ended, run_command_within

SIDE, IMAGES, TESTING = 96, 4, 1  # px, simulated images in all, those held out
SLIDE_TILES = 6  # of SIDE px along each side of the slide
MPP = 0.5


@dataclass(frozen=True)
class Stand:
    """Folders and files that commands read; nothing writes into them.

    Attributes:
        root: holds all.
    """

    root: Path

    @property
    def data(self) -> Path:
        """A data folder with images, points, labels and split.json."""
        return self.root / "data"

    @property
    def trained(self) -> Path:
        """Results of the whole pipeline at the smoke preset."""
        return self.root / "trained"

    @property
    def model(self) -> Path:
        """Weights with their description."""
        return self.trained / "segmentation" / "model.pt"

    @property
    def shipped(self) -> Path:
        """The weights that ship, which find objects; those of `model` have learnt nothing."""
        return ROOT / "models" / "model.pt"

    @property
    def slide(self) -> Path:
        """A pyramid in tiles."""
        return self.root / "slide.tif"

    @property
    def clicks(self) -> Path:
        """A folder of GeoJSON files as QuPath writes them, one for each image."""
        return self.root / "clicks"


def make_stand(root: Path) -> Stand:
    """Make what is missing.

    Raises:
        RuntimeError: the pipeline cannot be run on it.
    """
    stand = Stand(root)
    if not stand.data.is_dir():
        write_dataset(stand.data, images=IMAGES, size=(SIDE, SIDE), testing=TESTING, mpp=MPP)
    if not stand.slide.is_file():
        _write_slide(stand)
    if not stand.clicks.is_dir():
        with draft_folder(stand.clicks) as draft:
            for path in sorted((stand.data / "points").glob("*.csv")):
                write_text(draft / f"{path.stem}.geojson", json.dumps(_feature_collection(path)))
    ended = run_command_within(pipeline(stand, stand.trained, "--variant", "painted"))
    if ended.code:
        raise RuntimeError(f"the campaign's own model cannot be trained: {ended.last}")
    return stand


def pipeline(stand: Stand, output: Path, *more: str, command: str = "run") -> Command:
    """The whole method, each stage for some updates."""
    places = ["--dataset_dir", str(stand.data), "--output_dir", str(output)]
    return Command("scripts.pipeline", [command, *places, "--preset", "smoke", "--device", "cpu", *more])


def fresh(folder: Path) -> Path:
    """The folder, with nothing in it."""
    if folder.is_dir():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    return folder


def failed(ended: Ended) -> bool:
    """Whether a command did not end well."""
    return ended.code != 0 or ended.traceback or ended.hung


def _write_slide(stand: Stand) -> None:
    images = [read_image(path).array for path in sorted((stand.data / "images").iterdir())]  # uint8 (3, H, W)
    rows = [
        np.concatenate([images[(row + column) % len(images)] for column in range(SLIDE_TILES)], axis=2)
        for row in range(SLIDE_TILES)
    ]
    pixels = np.moveaxis(np.concatenate(rows, axis=1), 0, -1)
    with tifffile.TiffWriter(stand.slide) as file:
        file.write(
            pixels,
            tile=(SIDE // 16 * 16,) * 2,
            photometric="rgb",
            compression="zlib",
            resolution=(1e4 / MPP, 1e4 / MPP),
            resolutionunit="CENTIMETER",
        )


def _feature_collection(points: Path) -> dict[str, object]:
    places = np.loadtxt(points, delimiter=",", skiprows=1, ndmin=2) + 0.5  # QuPath counts from the corner
    features = [
        {"type": "Feature", "properties": {}, "geometry": {"type": "Point", "coordinates": [float(x), float(y)]}}
        for x, y in places[:, :2]
    ]
    return {"type": "FeatureCollection", "features": features}
