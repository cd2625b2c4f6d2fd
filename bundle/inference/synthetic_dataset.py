# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""A data set that nobody has taken: images of any number, size, density and style, with the labels that they show.

A trained generator paints them over fully synthetic points. Nothing of a real image is needed but, for a generator that
is told a style, one image that says how the others are to look.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from transforms.maps.style import image_style
from transforms.random_streams import generator
from transforms.resample import resample_image, working_size
from transforms.shapes.area_laws import UniformAreaLaw
from transforms.shapes.ellipses import EllipseSampler
from transforms.shapes.hard_core import HardCorePoints
from transforms.shapes.real_shapes import RealShapeSampler

from ..data.shape_bank import read_shapes
from ..data.synthetic_points import SyntheticPointImage
from ..files.atomic import write_json
from ..files.images import load_image
from ..files.labels import read_label
from ..files.pictures import PREDICTION, load_rgb, outlined, resize
from ..files.writers import write_png
from .model import ModelCard
from .painting import SyntheticImageGenerator

logger = logging.getLogger(__name__)

SHAPES = "shapes.pt"  # of real objects, beside a generator that learnt from them
FITTED, LARGEST_PX, SAMPLE = 1000, 4096, 1  # points that sizes are fitted to, their area's side, last key of the draw
SHEET_IMAGES, SHEET_COLUMNS, SHEET_PX, GAP = 12, 4, 256, 4  # of the contact sheet: images, pairs in a row, px


@dataclass(frozen=True)
class Tissue:
    """What the images are to show.

    Attributes:
        images: how many.
        size: H and W, px at the generator's spacing.
        density: objects per mm^2, on average in each image.
        diameter: typical of an object, um.
        spacing: smallest distance between two centres, um.
        unevenness: standard deviation of the logarithm of the density inside an image; 0: even.
        seed: image i depends on (seed, i) and the rest of this alone.

    Raises:
        ValueError: a number is out of range.
    """

    images: int
    size: tuple[int, int]
    density: float
    diameter: float
    spacing: float
    unevenness: float = 0.5
    seed: int = 0

    def __post_init__(self) -> None:
        if self.images < 1:
            raise ValueError(f"images is {self.images}: give how many, at least 1")
        if len(self.size) != 2 or min(self.size) < 1:
            raise ValueError(f"size is {list(self.size)}: give height and width in px, such as 512,512")
        for name in ("density", "diameter", "spacing"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} is {getattr(self, name):g}: it must be above 0")

    def layout(self, mpp: float) -> HardCorePoints:
        """The process that places the centres, at a spacing of um per px.

        Raises:
            ValueError: so many objects find no place; names the most.
        """
        pixel = (mpp / 1000) ** 2  # mm^2
        empty = HardCorePoints(8 * self.diameter / mpp, self.spacing / mpp, spread=0.0, contrast=self.unevenness)
        if self.density * pixel > empty.largest:
            raise ValueError(
                f"a density of {self.density:g} objects per mm^2 is out of reach: centres that keep {self.spacing:g} um"
                f" find at most {int(empty.largest / pixel)} places per mm^2; ask for fewer, or for a smaller spacing"
            )
        return replace(empty, density=self.density * pixel)


def imagined_images(
    tissue: Tissue, mpp: float, style: Tensor, shapes: Tensor | None = None
) -> list[SyntheticPointImage]:
    """Points of images that are still to be painted.

    Args:
        tissue: what they show.
        mpp: um per px of the generator.
        style: (2 C,) as `image_style`; only a generator with style channels looks at it.
        shapes: of real objects, as `measure_shapes`; None: ellipses.

    Raises:
        ValueError: the density is out of reach, or objects of this size do not fit it.
    """
    layout = tissue.layout(mpp)
    points = [layout.draw(tissue.size, generator(tissue.seed, index)) for index in range(tissue.images)]
    law = UniformAreaLaw(tissue.diameter / mpp).fit([_sample(layout, tissue.seed)])
    sampler = EllipseSampler(law) if shapes is None else RealShapeSampler(law, shapes)
    return [
        SyntheticPointImage(f"synthetic_{index + 1:04d}", each, tissue.size, sampler, style)
        for index, each in enumerate(points)
    ]


def _sample(layout: HardCorePoints, seed: int) -> Tensor:
    """Some `FITTED` points (N, 2) to fit an area law to: the same for any number and size of images."""
    side = math.ceil(math.sqrt(FITTED / (layout.density or layout.largest)))
    return layout.draw((min(side, LARGEST_PX), min(side, LARGEST_PX)), generator(seed, 0, SAMPLE))


def style_of(path: str | Path, card: ModelCard, image_mpp: float | None = None) -> Tensor:
    """The style of a reference image, (2 C,), at the generator's spacing.

    Args:
        path: the image, of as many channels as the generator paints.
        card: the generator's.
        image_mpp: um per px of the image; None: what its file says, else it is taken for the generator's.

    Raises:
        FileNotFoundError, ValueError: it cannot be read, or has other channels.
    """
    loaded = load_image(path, card.channels, image_mpp)
    image = resample_image(loaded.image, working_size(loaded.size, loaded.mpp, card.mpp))
    return image_style(image[None])[0]


def shapes_beside(weights: str | Path) -> Tensor | None:
    """The shapes that a generator's masks had, from the file beside its weights; None: they were ellipses."""
    path = Path(weights).with_name(SHAPES)
    return read_shapes(path) if path.is_file() else None


def write_synthetic_dataset(
    paint: SyntheticImageGenerator, images: Sequence[SyntheticPointImage], folder: str | Path, mpp: float
) -> None:
    """Write images/, labels/ and points/ of all images, a split.json that trains on all, and a contact sheet.

    What is there already stays, so that a run which was cut goes on.

    Args:
        paint: the trained generator.
        images: what it paints.
        folder: the data folder.
        mpp: um per px, for the files' tags.
    """
    folder = Path(folder)
    paint.write_pairs(images, folder, mpp)
    names = [f"{image.name}_000" for image in images]
    write_json(folder / "split.json", {"note": "painted by a generator", "training": names, "testing": []})
    write_png(folder / "contact_sheet.png", contact_sheet(folder, names[:SHEET_IMAGES]))


def contact_sheet(folder: Path, names: Sequence[str]) -> np.ndarray:
    """Images of a data folder, each beside itself with the outlines of its label: uint8 (H, W, 3)."""
    tiles = []
    for name in names:
        picture = load_rgb(folder / "images" / f"{name}.tif")
        label = read_label(folder / "labels" / f"{name}.tif", picture.shape[:2])[0].numpy()
        scale = SHEET_PX / max(picture.shape[:2])
        size = max(round(picture.shape[0] * scale), 1), max(round(picture.shape[1] * scale), 1)
        tile = np.concatenate([resize(picture, size), resize(outlined(picture, label, PREDICTION), size)], axis=1)
        tiles.append(np.pad(tile, ((0, GAP), (0, GAP), (0, 0)), constant_values=255))
    tiles += [np.full_like(tiles[0], 255)] * (-len(tiles) % min(SHEET_COLUMNS, len(tiles)))
    columns = min(SHEET_COLUMNS, len(tiles))
    rows = [np.concatenate(tiles[start : start + columns], axis=1) for start in range(0, len(tiles), columns)]
    return np.concatenate(rows)


def check_style(paint: SyntheticImageGenerator, style: str) -> None:
    """Refuse a style for a generator that takes none, none for one that needs it, and a generator that needs an image.

    Raises:
        ValueError: says which.
    """
    if paint.tissue_reach:
        raise ValueError("this generator paints nuclei into real tissue, and here is none: name one of another variant")
    told = paint.network.noise.style_channels > 0
    if told and not style:
        raise ValueError("this generator is told how images are to look: name an image that looks so, with --style")
    if style and not told:
        raise ValueError(
            f"style is {style!r}, and this generator takes none: leave it out, or train one with --variant style"
        )


def no_style(channels: int) -> Tensor:
    """In place of a style where the generator does not look at it."""
    return torch.zeros(2 * channels)
