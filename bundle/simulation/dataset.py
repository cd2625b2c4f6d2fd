# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Tissue simulator: stained-tissue images with points and the dense truth, for the demo and for tests.

It makes the whole method runnable without any data. Nuclei are bent, dented and clustered, so that the ellipse prior is
wrong here as it is in life, and unlabelled things resemble them. Layout, shapes, stain and optics are the other
simulate_* modules; here they are put together and written as a data folder.
"""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from ..files.atomic import draft_folder, write_json
from ..files.points_csv import write_points
from ..files.writers import write_image, write_label
from .layout import draw_layout, place_nuclei
from .stain import expose
from .tissue import stain_amounts
from .truth import simulated_clicks, tidy

logger = logging.getLogger(__name__)

MARGIN_UM = 10.0  # simulated beyond the border, so that nuclei are cut by it
SMALLEST_UM2 = 4.0  # what is left of a nucleus below this area is not labelled


@dataclass(frozen=True)
class SimulatedImage:
    """An image, its dense truth and its points."""

    image: np.ndarray  # uint8 (3, H, W), RGB
    label: np.ndarray  # int32 (1, H, W), ids 1..N in raster order of object centres, 0 = background
    points: np.ndarray  # float32 (N, 2), x and y in px, one inside each object, in the order of the ids


def simulate_tissue(
    size: tuple[int, int] = (500, 500), seed: int = 0, mpp: float = 0.5, diameter: float = 6.0
) -> SimulatedImage:
    """Simulate one image of haematoxylin-and-eosin stained tissue.

    Args:
        size: H, W in px.
        seed: the image depends on it (and on the other arguments) alone.
        mpp: um per px.
        diameter: typical diameter of a nucleus, um.

    Returns:
        Image, label and points.

    Raises:
        ValueError: a size, mpp or diameter that is not positive.
    """
    if min(size) < 1 or mpp <= 0 or diameter <= 0:
        raise ValueError(f"size {size}, mpp {mpp} and diameter {diameter} must all be positive")
    rng = np.random.default_rng(seed)
    um = 1.0 / mpp
    margin = int(np.ceil(MARGIN_UM * um))
    canvas = (size[0] + 2 * margin, size[1] + 2 * margin)
    layout = draw_layout(rng, canvas, um)
    nuclei = place_nuclei(rng, layout, diameter * um)
    amounts, label = stain_amounts(rng, layout, nuclei, um, diameter * um)
    inner = slice(margin, margin + size[0]), slice(margin, margin + size[1])
    image = expose(rng, amounts, um)[:, inner[0], inner[1]]
    label = tidy(label[inner], SMALLEST_UM2 * um**2)
    return SimulatedImage(np.ascontiguousarray(image), label[None], simulated_clicks(rng, label))


def write_dataset(
    folder: str | os.PathLike[str],
    images: int = 16,
    size: tuple[int, int] = (500, 500),
    seed: int = 0,
    testing: int = 4,
    mpp: float = 0.5,
    diameter: float = 6.0,
) -> Path:
    """Simulate a data set and write it as a data folder: images/*.tif, points/*.csv, labels/*.tif, split.json.

    The folder appears under its name only when it is whole. The images' resolution tags carry `mpp`.

    Args:
        folder: where to write; must not exist or be empty.
        images: how many images in all.
        size: H, W of each in px.
        seed: image i depends on (seed, i) alone, so that a larger set begins with the smaller one.
        testing: how many of them, the last ones, are for testing.
        mpp: um per px.
        diameter: typical diameter of a nucleus, um.

    Returns:
        The folder.

    Raises:
        FileExistsError: the folder holds something.
        ValueError: `testing` leaves no image for training.
    """
    folder = Path(folder)
    if not 0 <= testing < images:
        raise ValueError(f"testing={testing} of images={images} leaves none for training: give fewer testing images")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FileExistsError(f"{folder} exists and is not empty: name another folder for the simulated images")
    names = [f"simulated_{i:03d}" for i in range(images)]
    with draft_folder(folder) as draft:
        for part in ("images", "points", "labels"):
            (draft / part).mkdir()
        for i, name in enumerate(names):
            image_seed = int(np.random.SeedSequence([seed, i]).generate_state(1, np.uint64)[0])
            write_item(draft, name, simulate_tissue(size, image_seed, mpp, diameter), mpp)
            logger.info("simulated %s (%d of %d)", name, i + 1, images)
        note = (
            f"simulated tissue: seed {seed}, {size[0]} x {size[1]} px, {mpp} um per px, nuclei of about {diameter} um"
        )
        split = {"note": note, "training": names[: images - testing], "testing": names[images - testing :]}
        write_json(draft / "split.json", split)
    return folder


def write_item(folder: Path, name: str, simulated: SimulatedImage, mpp: float) -> None:
    """One image with its points and label into an existing data folder."""
    write_image(folder / "images" / f"{name}.tif", simulated.image, mpp)
    write_points(folder / "points" / f"{name}.csv", torch.from_numpy(simulated.points))
    write_label(folder / "labels" / f"{name}.tif", simulated.label, mpp)
