# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""What the check of clicks says of clicks that are known to lie beside the centres: its table in docs/appendix/."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from statistics import mean

from bundle.annotations.click_check import ClickCheck, check_clicks
from bundle.data.folder import DataFolder
from bundle.files.images import check_mpp
from bundle.files.leftovers import scratch_folder
from bundle.pipeline.painting import ROUGH
from scripts.experiments.degrade import Degradation, write_degraded
from scripts.experiments.options import numbers
from scripts.experiments.page import around, enter, markdown_table

logger = logging.getLogger(__name__)

MODEL_MPP = 0.5  # um per px that the default configuration works at


def click_check(
    dataset_dir: str,
    image_mpp: float | None = None,
    noise: str = "0,0.5,1,1.5,2,3",
    images: int = 6,
    draws: int = 10,
    diameter: float = 6.0,
    channels: int = 3,
    page: str = "",
) -> None:
    """Move the clicks of training images, and check them.

    Args:
        dataset_dir: folder with images/, points/ and split.json; its clicks are the centres of labels.
        image_mpp: (or --mpp) micrometres per pixel of the images; without it their TIFF tags are asked.
        noise: standard deviations, along x and y each, of clicks around the centres, um.
        images: that are checked together, drawn at random.
        draws: of such images, and of the noise.
        diameter: typical diameter of an object, um.
        channels: 1 for grey images.
        page: Markdown page with a place for the table.
    """
    name = f"clicks of {Path(dataset_dir).resolve().name}"
    around(page, name)
    folder, lines = DataFolder(dataset_dir, check_mpp(image_mpp), channels), []
    for deviation in numbers("noise", noise):
        found = [check_moved(folder, Degradation(images, deviation, seed=seed), diameter) for seed in range(draws)]
        lines.append(row(deviation, found, diameter))
        logger.info(" | ".join(lines[-1]))
    title = f"estimate, um: mean of {draws} draws of {images} images"
    header = ["noise, um", "ratio", title, "lowest to highest", f"rough (above {ROUGH * diameter:g} um)"]
    enter(page, name, markdown_table(header, lines))


def check_moved(folder: DataFolder, degradation: Degradation, diameter: float) -> ClickCheck:
    """What the check says of a data set that is worse than it is, its typical diameter in um.

    Raises:
        ValueError: it says nothing.
    """
    with scratch_folder("clicks") as scratch:
        written = write_degraded(folder, degradation, scratch / "data")
        found = check_clicks(DataFolder(written, folder.mpp, folder.channels), diameter, MODEL_MPP)
    if found is None:
        raise ValueError(f"{folder.dataset_dir}: its clicks cannot be checked: too few, or on nothing that is seen")
    return found


def row(deviation: float, found: Sequence[ClickCheck], diameter: float) -> list[str]:
    """The cells of one amount of noise, um."""
    estimates = [each.diameters * diameter for each in found]
    rough = sum(each.diameters > ROUGH for each in found)
    told = [f"{mean(each.ratio for each in found):.2f}", f"{mean(estimates):.2f}"]
    return [f"{deviation:g}", *told, f"{min(estimates):.2f} to {max(estimates):.2f}", f"{rough} of {len(found)}"]
