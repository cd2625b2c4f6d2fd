# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Choose the parameters of post-processing by the points of a few images; no label is opened.

    python -m scripts.tune points --model OUT/segmentation --dataset_dir DATA --names "image_07,image_12"

The choice is written into OUT/segmentation/model.json, and whatever segments with this model uses it from then on. Best
are many images of a kind that the network was not trained on; images that it has learnt from tell little
(docs/appendix/results.md).
"""

from __future__ import annotations

import logging
from pathlib import Path

from bundle.data.folder import DataFolder
from bundle.files.images import check_mpp
from bundle.files.sole_run import lock_beside, sole_run
from bundle.files.value_rules import listed
from bundle.inference.model import Model, card_path, describe_output, load_network
from bundle.inference.tuning import tune, write_tuning
from bundle.networks.device import resolve_device
from scripts.command_line import run_command

logger = logging.getLogger(__name__)


def tune_by_points(
    model: str,
    dataset_dir: str,
    names: str,
    image_mpp: float | None = None,
    radius: float = 3.0,
    vary: str = "threshold",
    device: str = "auto",
) -> None:
    """Try a grid of parameters and keep the one of highest detection F1.

    Args:
        model: trained weights with their .json beside them, or their folder.
        dataset_dir: the data set: images/ and points/.
        names: base names of the images to choose by, with commas between; none of the testing part.
        image_mpp: (or --mpp) micrometres per pixel of the images; without it their TIFF tags are asked.
        radius: how far a found centre may lie from a point, um.
        vary: what to choose, with commas between: threshold, smoothing, smallest, reach. More than the threshold needs
            even more images.
        device: auto, cpu, cuda or cuda:N.
    """
    if not radius > 0:
        raise ValueError(f"radius is {radius} um: give a distance above 0")
    where = resolve_device(device)  # before anything is loaded
    weights = Path(model) / "model.pt" if Path(model).is_dir() else Path(model)
    described = card_path(weights)
    with sole_run(lock_beside(described), described, seconds=0):
        loaded = load_network(weights)
        loaded = Model(loaded.network.to(where), loaded.card)
        folder = DataFolder(dataset_dir, check_mpp(image_mpp), loaded.card.channels, intensity=loaded.card.intensity)
        tuning = tune(loaded, folder, listed(names), radius, listed(vary))
        logger.info("before: detection F1 %.4f, %s", tuning.score_before, describe_output(loaded.card.build_output()))
        logger.info("after:  detection F1 %.4f, %s", tuning.score, describe_output(tuning.output))
        write_tuning(weights, tuning)
    logger.info("%s holds the choice", weights.with_suffix(".json"))


if __name__ == "__main__":
    run_command({"points": tune_by_points})
