# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Segmenting from Python, in a notebook or another program, in three lines.

from bundle.nuclei import load_model
found = load_model().segment("tissue.tif")  # or an array: segment(pixels, mpp=0.25)
found.label, found.columns()
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .files.bundle_root import MODEL
from .files.images import ImageFile, load_image, select_channels, to_unit_range
from .files.view import Window
from .inference.model import load_network, segmenter_of
from .inference.scale import parse_scale, warn_other_size
from .inference.segmenter import Segmenter
from .inference.test_time_augmentation import IDENTITY, Symmetry
from .networks.device import resolve_device
from .objects.overlay import overlay
from .objects.table import ObjectTable, measure_objects


@dataclass(frozen=True)
class Nuclei:
    """What was found in one image."""

    label: NDArray[np.int32]  # (H, W): ids 1..n in raster order of the centres, 0 = background
    probability: NDArray[np.float32]  # (H, W), of foreground, in [0, 1]
    table: ObjectTable  # one entry for each object
    image: Tensor  # float32 (C, H, W) in [0, 1]
    mpp: float | None  # um per px of the image; None: unknown, taken for the model's

    def __len__(self) -> int:
        return len(self.table)

    def columns(self) -> dict[str, NDArray[Any]]:
        """The table of objects by column, such as `pandas.DataFrame` takes it."""
        return self.table.columns()

    def overlay(self) -> NDArray[np.uint8]:
        """The image with the outlines of the objects, uint8 (H, W, 3)."""
        return overlay(self.image, self.label[None])


class NucleusModel:
    """A trained segmenter that takes files and arrays.

    Args:
        segmenter: what segments.
    """

    def __init__(self, segmenter: Segmenter) -> None:
        self.segmenter = segmenter

    def segment(
        self, image: str | os.PathLike[str] | NDArray[Any], mpp: float | str | None = None, diameter: str | None = None
    ) -> Nuclei:
        """Segment one image.

        Args:
            image: a file (PNG, TIFF or JPEG), or pixels (H, W) or (H, W, C): uint8, uint16, or floats in [0, 1].
            mpp: its um per px; None: what the file's tags say, and the model's where they say nothing; "auto": such
                that its nuclei have the size of the model's, whatever the tags say.
            diameter: typical diameter of a nucleus in it, such as "9um" or "24px"; None: the model's.

        Raises:
            FileNotFoundError, ValueError: as `load_image`; the pixels have another shape or type, or another number of
                channels than the model takes; mpp or diameter is no such value.
        """
        stated, scale = parse_scale(None if mpp is None else str(mpp), diameter)
        if isinstance(image, str | os.PathLike):
            loaded = load_image(image, self.segmenter.channels, stated, common=self.segmenter.intensity)
            pixels, stated = loaded.image, loaded.mpp
        else:
            pixels = as_image(np.asarray(image), self.segmenter.channels, self.segmenter.intensity)
        shown_at = scale.shown_at(self.segmenter, pixels, stated)
        found = self.segmenter(pixels, shown_at)
        table = measure_objects(found.label, found.probability, stated)
        name = image if isinstance(image, str | os.PathLike) else "the image"
        warn_other_size(name, table.area_px, shown_at or self.segmenter.mpp, self.segmenter.diameter)
        return Nuclei(found.label[0].numpy(), found.probability[0].numpy(), table, pixels, stated)


def load_model(
    path: str | os.PathLike[str] = MODEL, device: str = "auto", augmentation: Sequence[Symmetry] = IDENTITY
) -> NucleusModel:
    """Load a trained segmenter.

    Args:
        path: `model.pt` with its `.json` beside it, or the folder that holds both.
        device: auto, cpu, cuda or cuda:N.
        augmentation: `FLIPS` or `EIGHT_FOLD` of `bundle.inference.test_time_augmentation` average over views:
            slower, and a little better.

    Raises:
        FileNotFoundError, ValueError: as `load_network`.
    """
    where = resolve_device(device)  # before anything is loaded
    return NucleusModel(segmenter_of(load_network(path), augmentation=augmentation, device=where))


def as_image(pixels: NDArray[Any], channels: int, common: Window | None = None) -> Tensor:
    """Pixels (H, W) or (H, W, C) to float32 (C, H, W) in [0, 1], C as the model takes it; `common` as `load_image`.

    Raises:
        ValueError: another shape or type, or colours where grey is taken, or the other way round.
    """
    stack = pixels[..., None] if pixels.ndim == 2 else pixels
    if stack.ndim != 3 or stack.shape[-1] not in (1, 3):
        raise ValueError(f"image has shape {pixels.shape}: give (H, W) or (H, W, 3); of RGBA give image[..., :3]")
    if stack.dtype.kind == "f":
        if not (stack.min(initial=0) >= 0 and stack.max(initial=0) <= 1):  # not so for NaN either
            raise ValueError(f"image holds {stack.min()} to {stack.max()}: floats run from 0 to 1, 255 is for uint8")
    elif stack.dtype not in (np.uint8, np.uint16):
        raise ValueError(f"image is of {stack.dtype}: give uint8, uint16, or floats from 0 to 1")
    chosen = select_channels(np.ascontiguousarray(np.moveaxis(stack, -1, 0)), channels, "image")
    if chosen.dtype.kind == "f":
        return torch.from_numpy(chosen.astype(np.float32))
    return to_unit_range(ImageFile(chosen, None), common)[0]
