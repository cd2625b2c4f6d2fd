# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Data sets as careless or hurried people would have clicked them: fewer images, clicks beside the centre, none at all.

Each is a data folder like any other: its images and the testing images' labels are links to the original's.
"""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from bundle.data.folder import DataFolder
from bundle.data.items import Item
from bundle.files.atomic import write_json
from bundle.files.points_csv import write_points
from torch import Tensor
from transforms.random_streams import generator

RECORD = "degraded.json"
IMAGES, NOISE, MISSING = 1, 2, 3  # last keys of the draws


@dataclass(frozen=True)
class Degradation:
    """What is taken away from a data set.

    Args:
        images: how many training images are left; None: all. Fewer are some of more.
        noise: um; standard deviation, along x and y each, of how far a click lies beside the true centre.
        missing: share of the clicks of each image that are left out, in [0, 1); more miss what fewer miss.
        seed: of every draw.

    Raises:
        ValueError: a number is out of its range.
    """

    images: int | None = None
    noise: float = 0.0
    missing: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        if (self.images is not None and self.images < 1) or self.noise < 0 or not 0 <= self.missing < 1:
            raise ValueError(f"{self}: at least one image, noise of 0 um or more, and a share missing in [0, 1)")


def write_degraded(folder: DataFolder, degradation: Degradation, output: str | Path) -> Path:
    """Write the data set without what the degradation takes away, and `degraded.json`, which says what that was.

    Args:
        folder: the original; its training images have points.
        degradation: what is taken away.
        output: the new folder. What an equal call has made stays, and what is left of it is made.

    Returns:
        The new folder.

    Raises:
        FileExistsError: the folder holds something else, perhaps what another degradation left.
        ValueError: there are not so many training images; noise in um, and an image's um per px is not known.
    """
    output, taken = Path(output), asdict(degradation)
    record = json.loads((output / RECORD).read_text("utf-8")) if (output / RECORD).is_file() else {}
    if output.exists() and any(output.iterdir()) and record.get("degradation") != taken:
        raise FileExistsError(f"{output} holds something else: name a new folder")
    if "dropped" in record:
        return output
    chosen = choose_images(folder.training, degradation)
    output.mkdir(parents=True, exist_ok=True)
    write_json(output / RECORD, {"degradation": taken})  # so that a call that was cut goes on
    for part in ("images", "points", "labels"):
        (output / part).mkdir(exist_ok=True)
    dropped = {item.name: _training_item(folder, item, number, degradation, output) for number, item in chosen}
    for item in folder.testing:
        link_file(item.image_path, output / "images")
        for path, part in ((item.points_path, "points"), (item.label_path, "labels")):
            if path is not None:
                link_file(path, output / part)
    names = {"training": [item.name for _, item in chosen], "testing": [item.name for item in folder.testing]}
    write_json(output / "split.json", names)
    write_json(output / RECORD, {"degradation": taken, "images": names["training"], "dropped": dropped})
    return output


def choose_images(items: list[Item], degradation: Degradation) -> list[tuple[int, Item]]:
    """(place in the list, image) of the training images that are left, in the list's order."""
    count = len(items) if degradation.images is None else degradation.images
    if count > len(items):
        raise ValueError(f"{count} training images are asked for, and there are {len(items)}")
    order = torch.randperm(len(items), generator=generator(degradation.seed, IMAGES)).tolist()
    return [(place, items[place]) for place in sorted(order[:count])]


def degrade_points(
    points: Tensor, size: tuple[int, int], sd: float, number: int, degradation: Degradation
) -> tuple[Tensor, list[int]]:
    """Move and drop the clicks of one image.

    Args:
        points: float32 (N, 2), x and y in px.
        size: (H, W) of the image; clicks that would leave it stay at its border.
        sd: how far clicks are moved, px.
        number: of the image; it decides the draws.
        degradation: whose share is dropped; at least one click stays.

    Returns:
        The points that are left, float32 (M, 2), and the rows of those that are not, ascending.
    """
    drawn = torch.randn(points.shape, generator=generator(degradation.seed, number, NOISE))
    largest = torch.tensor([size[1] - 1.0, size[0] - 1.0])
    moved = torch.minimum((points + sd * drawn).clamp(min=0), largest) if sd else points
    order = torch.randperm(len(points), generator=generator(degradation.seed, number, MISSING))
    gone = sorted(order[: min(round(degradation.missing * len(points)), len(points) - 1)].tolist())
    kept = torch.ones(len(points), dtype=torch.bool)
    kept[gone] = False
    return moved[kept], gone


def _training_item(folder: DataFolder, item: Item, number: int, degradation: Degradation, output: Path) -> list[int]:
    sample = folder.load(item)
    if degradation.noise and sample["mpp"] is None:
        raise ValueError(f"{item.image_path}: um per px unknown, and the noise is in um: state mpp")
    sd = degradation.noise / (sample["mpp"] or 1.0)
    size = (sample["image"].shape[1], sample["image"].shape[2])
    points, dropped = degrade_points(sample["points"], size, sd, number, degradation)
    write_points(output / "points" / f"{item.name}.csv", points)
    link_file(item.image_path, output / "images")
    return dropped


def link_file(path: Path, folder: Path) -> None:
    """A link to a file in a folder, under its own name; what is there stays."""
    target = folder / path.name
    try:
        os.symlink(path.resolve(), target)
    except FileExistsError:
        return
    except OSError:  # a file system, or a Windows account, without symbolic links
        shutil.copyfile(path, target)
