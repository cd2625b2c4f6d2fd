# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Measure synthetic images against the real ones that they were painted for: Frechet and kernel distances, diversity.

    python -m scripts.image_quality measure --real DATA --synthetic OUT/synthetic --output metrics.json
    python -m scripts.image_quality measure --real DATA --synthetic OUT/synthetic --output metrics.json --segmenter SEG

Distances compare between rows of one extractor (its digest is printed), one um per px and one number of crops.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

import torch
from bundle.data.folder import DataFolder
from bundle.files.atomic import write_json
from bundle.files.images import check_mpp
from bundle.files.sole_run import lock_beside, sole_run
from bundle.inference.model import load_network
from bundle.metrics.crops import RandomPositions, grid_positions
from bundle.metrics.features import EncoderFeatures, FeatureExtractor, PretrainedFeatures
from bundle.metrics.image_quality import image_quality
from bundle.networks.device import resolve_device
from scripts.command_line import run_command
from tqdm.contrib.logging import logging_redirect_tqdm

logger = logging.getLogger(__name__)

MPP = 0.25  # um per px of the paper's images


@dataclass(frozen=True)
class QualityOptions:
    """How images are compared.

    Attributes:
        segmenter: a trained segmenter, model.pt or its folder, whose encoder makes the features; without it they are
            those of EfficientNet-lite0, trained on ImageNet. Use one kind for all rows.
        image_mpp: (or --mpp) micrometres per pixel of the real images; without it their TIFF tags are asked.
        compared_mpp: micrometres per pixel that all images are brought to; without it 0.25, or the segmenter's own.
        crops_per_image: crops of 64 um at so many random positions; without it as many as fit side by side.
        split: which real images: training or testing.
        channels: 3 (RGB) or 1 (grey).
        repeats: bootstrap samples, over which mean and sd are taken.
        seed: of positions and bootstrap.
        device: auto, cpu, cuda or cuda:N.
    """

    segmenter: str | None = None
    image_mpp: float | None = None
    compared_mpp: float | None = None
    crops_per_image: int | None = None
    split: str = "training"
    channels: int = 3
    repeats: int = 10
    seed: int = 0
    device: str = "auto"


def measure(real: str, synthetic: str, output: str, options: QualityOptions) -> None:
    """Compare synthetic images with real ones and write the numbers as JSON.

    Args:
        options: how images are compared.
        real: data set with the real images, a folder that holds images/.
        synthetic: folder that stage 2 wrote: images/NAME_000.tif for each real image NAME.
        output: file for the numbers, .json; one that is there is replaced.
    """
    if Path(output).is_dir():
        raise ValueError(f"output {output} is a folder: name a file in it, such as {Path(output) / 'metrics.json'}")
    where = resolve_device(options.device)
    folder = DataFolder(real, check_mpp(options.image_mpp), options.channels)
    extractor, own_mpp = _extractor(options.segmenter, where)
    logger.info("features: %s, weights %s", extractor.name, extractor.digest)
    crops, seed = options.crops_per_image, options.seed
    positions = grid_positions if crops is None else RandomPositions(crops, seed)
    spacing = own_mpp if options.compared_mpp is None else options.compared_mpp
    with sole_run(lock_beside(Path(output)), Path(output), seconds=0), logging_redirect_tqdm():
        row = image_quality(folder, synthetic, extractor, spacing, positions, options.split, options.repeats, seed)
        write_json(output, row)
    for name, found in row["metrics"].items():
        said = (found[key] for key in ("mean", "sd", "n", "all"))
        logger.info("%s %.4g ± %.2g (%d bootstraps; all crops: %.4g)", name, *said)
    logger.info("%d crops, written: %s", row["crops"], Path(output).resolve())


def _extractor(segmenter: str | None, device: torch.device) -> tuple[FeatureExtractor, float]:
    """The extractor that was asked for, and the um per px to compare at."""
    if segmenter is None:
        return PretrainedFeatures(device), MPP
    path = Path(segmenter)
    model = load_network(path)
    return EncoderFeatures(path / "model.pt" if path.is_dir() else path, model.network, device), model.card.mpp


if __name__ == "__main__":
    run_command({"measure": measure})
