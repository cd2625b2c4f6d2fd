# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""A data set is a folder: images/, points/NAME.csv, and optionally labels/NAME.png (to measure with) and split.json.

    folder = DataFolder("my_data", mpp=0.25)
    folder.check_points()                       # every problem of the training images at once, before anything trains
    sample = folder.load(folder.training[0])    # image (C, H, W), points (N, 2), mpp

Labels are looked for by name and opened only by who asks for them: a run from points alone opens none. Where images
have typical diameters of their own, diameters.csv says so, see `bundle.data.diameters`; how often each is learnt from
is a matter of shares.csv, see `bundle.data.shares`.

Images of which only parts are clicked (regions/NAME.geojson) are refused: where nobody looked, a nucleus without a
click is no mistake. `bundle.annotations.clicked_parts` cuts what is clicked out of them.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any, TypedDict

import torch
from torch import Tensor

from ..files.images import check_mpp, load_image, read_image
from ..files.labels import read_label
from ..files.points_csv import merge_clicks, parse_points, read_points
from ..files.view import Window, stated_window
from .diameters import DIAMETERS, read_diameters
from .intensity import load_scaled
from .items import Item, scan, some, split_by_files
from .shares import SHARES, read_shares
from .split import PARTS, read_split

logger = logging.getLogger(__name__)

MOST_PROBLEMS = 20  # so many are spelt out in one message


class Sample(TypedDict):
    """What `DataFolder.load` gives."""

    image: Tensor  # float32 (C, H, W) in [0, 1]
    points: Tensor  # float32 (N, 2), x and y in px; (0, 2) where there is no points file
    mpp: float | None  # um per px, None = unknown
    window: tuple[float, float]  # intensities as stored that became 0 and 1


class DataFolder:
    """Images with their points, in two parts: `training` and `testing`.

    The parts are those of split.json. Without that file every image that has points is for training, and an image that
    has no points but a label is for testing; an image with neither is left out, with a warning.

    Args:
        dataset_dir: the folder.
        mpp: um per px of all its images; None: what each image's TIFF tags say, unknown where they say nothing.
        channels: 1 (grey) or 3 (RGB): what the networks are configured for.
        regions: whether parts of images may be all that is clicked; only who heeds the regions says so.
        intensity: of 16-bit images, the stored intensities that become 0 and 1: two numbers or "low,high"; None: each
            image by itself. Images to train on have to be 16-bit ones then.

    Raises:
        FileNotFoundError: no such folder, or none called images in it.
        ValueError: no image; two files of one base name; a bad split.json, diameters.csv, shares.csv or mpp; an image
            of a part is clicked in regions.
    """

    def __init__(
        self,
        dataset_dir: str | os.PathLike[str],
        mpp: float | None = None,
        channels: int = 3,
        regions: bool = False,
        intensity: str | Window | None = None,
    ) -> None:
        self.dataset_dir, self.mpp, self.channels = Path(dataset_dir), check_mpp(mpp), channels
        self.intensity = stated_window(intensity)
        items = scan(self.dataset_dir)
        if self.diameters_path is not None:
            stated = read_diameters(self.diameters_path, items)
            items = {name: replace(item, diameter=stated.get(name)) for name, item in items.items()}
        if self.shares_path is not None:
            shares = read_shares(self.shares_path, items)
            items = {name: replace(item, share=shares[name]) for name, item in items.items()}
        split_path = self.dataset_dir / "split.json"
        split = read_split(split_path, items) if split_path.exists() else split_by_files(items.values())
        self._items = {part: [items[name] for name in split[part]] for part in PARTS}
        if self.partly_clicked and not regions:
            raise ValueError(
                f"{self.dataset_dir / 'regions'}: {len(self.partly_clicked)} images are clicked in regions only, such"
                f" as {self.partly_clicked[0].name}: the pipeline cuts these out by itself; for everything else run"
                f" prepare_data parts --dataset_dir {self.dataset_dir} --output NEW and give it NEW"
            )
        left_out = [name for name in items if name not in {*split["training"], *split["testing"]}]
        if left_out:
            logger.warning("%s: %d images are in no part and not used: %s", dataset_dir, len(left_out), some(left_out))

    @property
    def diameters_path(self) -> Path | None:
        """The file with typical diameters of single images; None where there is none."""
        path = self.dataset_dir / DIAMETERS
        return path if path.is_file() else None

    @property
    def shares_path(self) -> Path | None:
        """The file that says how often each image is learnt from; None where there is none."""
        path = self.dataset_dir / SHARES
        return path if path.is_file() else None

    @property
    def training(self) -> list[Item]:
        """The images to train on."""
        return self._items["training"]

    @property
    def testing(self) -> list[Item]:
        """The images held out."""
        return self._items["testing"]

    @property
    def partly_clicked(self) -> list[Item]:
        """The images of both parts of which only regions are clicked."""
        return [item for part in PARTS for item in self._items[part] if item.regions_path]

    def items(self, split: str) -> list[Item]:
        """One part by name.

        Raises:
            ValueError: neither "training" nor "testing".
        """
        if split not in PARTS:
            raise ValueError(f"split is {split!r}: choose one of {', '.join(PARTS)}")
        return self._items[split]

    def load(self, item: Item) -> Sample:
        """Read one image with its points (none where it has no points file).

        Raises:
            FileNotFoundError, ValueError: as `load_image` and `read_points`, but an image may be without points.
        """
        loaded = load_image(item.image_path, self.channels, self.mpp, common=self.intensity)
        points = torch.zeros(0, 2)
        if item.points_path:
            points = merge_clicks(parse_points(item.points_path, loaded.size), item.points_path)
        return {"image": loaded.image, "points": points, "mpp": loaded.mpp, "window": loaded.window}

    def load_label(self, item: Item) -> Tensor:
        """Read the label of an image, int32 (1, H, W).

        Raises:
            FileNotFoundError, ValueError: there is none; as `read_label`; another size than the image.
        """
        size = read_image(item.image_path).array.shape[-2:]
        return read_label(self._path(item, "label"), size)

    def as_dicts(self, split: str, keys: Sequence[str] = ("image", "points")) -> list[dict[str, Any]]:
        """One part as MONAI data sets take it: [{"image": path, "points": path, "label": path}, ...].

        An image that has a typical diameter of its own says so: "diameter", a `Diameter`; likewise "share", how often
        it is learnt from beside the others, and "intensity", the stated range of all.

        Args:
            split: "training" or "testing".
            keys: which files: "image", "points", "label".

        Raises:
            FileNotFoundError: an image lacks one of them.
        """
        return [
            {key: str(self._path(item, key)) for key in keys}
            | ({"diameter": item.diameter} if item.diameter else {})
            | ({"share": item.share} if item.share else {})
            | ({"intensity": self.intensity} if self.intensity else {})
            for item in self.items(split)
        ]

    def spacing(self) -> float | None:
        """um per px of the training images, None = unknown.

        Raises:
            FileNotFoundError, ValueError: as `read_image`; or their tags differ, so that there is no one spacing.
        """
        if self.mpp is not None:
            return self.mpp
        tagged = [mpp for item in self.training if (mpp := read_image(item.image_path).mpp) is not None]
        if tagged and max(tagged) > 1.02 * min(tagged):
            raise ValueError(
                f"{self.dataset_dir}: the training images have {min(tagged):g} to {max(tagged):g} um per px by their"
                " tags, so that a number of px is not the same length in all: give the diameter in um, or each image's"
                f" own in {DIAMETERS}"
            )
        return median(tagged) if tagged else None

    def check_points(self) -> None:
        """Read all images and the training points, so that nothing about them can stop a training that has begun.

        Raises:
            ValueError: every problem found, in one message.
        """
        problems: list[str] = []
        if not self.training:
            problems.append(
                f"{self.dataset_dir}: no image to train on: give some a points file (and name them in split.json)"
            )
        spacings: dict[str, float | None] = {}
        counts: dict[str, int] = {}  # points of each training image that could be read
        for item in (*self.training, *self.testing):
            with _collecting(problems):
                loaded = load_scaled(item.image_path, self.channels, self.mpp, self.intensity)
                spacings[item.name] = loaded.mpp
                if item in self.training:
                    counts[item.name] = len(read_points(self._path(item, "points"), loaded.size))
        unknown = [name for name, mpp in spacings.items() if mpp is None]
        if 0 < len(unknown) < len(spacings):
            problems.append(
                f"{self.dataset_dir}: only some images say their um per px, not {some(unknown)}: state it (mpp)"
            )
        problems += self._problems_of_empty(counts)
        _raise_problems(problems)

    def _problems_of_empty(self, counts: Mapping[str, int]) -> list[str]:
        """Say which training images are stated to hold no object; a problem where all are."""
        empty = [name for name, count in counts.items() if not count]
        if empty and len(empty) == len(counts) == len(self.training):
            return [f"{self.dataset_dir}: no training image has a point: click the objects of at least one"]
        if empty:
            logger.info("%d training images hold no object, by their points files: %s", len(empty), some(empty))
        return []

    def check_labels(self, split: str) -> None:
        """Read the labels of one part and compare their sizes with the images', before anything is trained or measured.

        Images without a label are passed over: they are not measured.

        Raises:
            ValueError: every problem found, in one message.
        """
        problems: list[str] = []
        for item in self.items(split):
            if item.label_path:
                with _collecting(problems):
                    self.load_label(item)
        _raise_problems(problems)

    def _path(self, item: Item, key: str) -> Path:
        path = getattr(item, f"{key}_path")
        if path is None:
            folder, ending = ("points", ".csv") if key == "points" else ("labels", ".png")
            raise FileNotFoundError(
                f"{item.image_path}: has no {key} file: add {self.dataset_dir / folder / (item.name + ending)},"
                " or take the image out of split.json or of the folder"
            )
        return path


@contextmanager
def _collecting(problems: list[str]) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError) as error:
        problems.append(str(error))


def _raise_problems(problems: list[str]) -> None:
    if problems:
        more = [f"... and {len(problems) - MOST_PROBLEMS} more"] if len(problems) > MOST_PROBLEMS else []
        heading = f"the data set has {len(problems)} problem" + ("s:" if len(problems) > 1 else ":")
        raise ValueError("\n  ".join([heading, *problems[:MOST_PROBLEMS], *more]))
