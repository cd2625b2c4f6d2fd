# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Runs the rows of an experiment, each as a run of the pipeline in a folder of its own, and measures their images.

What is finished is left as it is, what was cut goes on. Several processes may work on one experiment, on one machine or
over a shared disk: each takes the next row that no other holds. A row that fails is reported and the others go on.
"""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from bundle.data.folder import DataFolder
from bundle.files.atomic import write_json
from bundle.files.images import load_image
from bundle.files.manifest_file import read_manifest
from bundle.inference.model import load_network
from bundle.inference.painting import SyntheticImageGenerator, load_image_generator
from bundle.metrics.features import EncoderFeatures, FeatureExtractor
from bundle.metrics.image_quality import image_quality
from bundle.networks.device import resolve_device
from bundle.pipeline.pipeline import run_pipeline
from bundle.pipeline.request import Request
from bundle.pipeline.runner import StageError
from bundle.pipeline.stages import ELLIPSES, METHOD
from scripts.experiments.ablation_rows import AblationRow
from torch import Tensor
from transforms.maps.style import image_style

logger = logging.getLogger(__name__)

FEATURES = "features"  # folder of the segmenter whose encoder compares images


def run_experiment(request: Request, rows: Sequence[AblationRow], encoder: str = "") -> list[str]:
    """Run and measure all rows, one after the other.

    Args:
        request: what all rows share; its output folder is the experiment's, its overrides are its budget.
        rows: the rows; one that names an image generator stands behind that row.
        encoder: weights of a segmenter whose encoder compares images; "": of one that is trained first, on ellipses as
            labels of the real images, where a row has images to compare.

    Returns:
        The runs that are not finished, "name, seed n: why".

    Raises:
        ValueError, OSError: the request or a file of weights is wrong, or the encoder's training stopped.
    """
    compared = any(row.paired and row.seeds for row in rows)
    features = feature_extractor(request, encoder) if compared else None
    unfinished = []
    for seed in sorted({seed for row in rows for seed in row.seeds}):
        for row in (row for row in rows if seed in row.seeds):
            logger.info("row %s, seed %d: %s", row.name, seed, row.says)
            try:
                run_ablation_row(request, row, seed)
                if row.paired and features:
                    measure_row(request, row, seed, *features)
            except (StageError, BlockingIOError, FileNotFoundError) as error:
                logger.error("row %s, seed %d: %s", row.name, seed, error)
                unfinished.append(f"{row.name}, seed {seed}: {str(error).splitlines()[0]}")
    return unfinished


def run_ablation_row(request: Request, row: AblationRow, seed: int) -> None:
    """Run the pipeline for one seed of a row.

    Raises:
        BlockingIOError: another process works on it.
        FileNotFoundError: the row that it takes its networks from is not finished.
        StageError: a stage stopped.
    """
    folder = row.folder(request.output_dir, seed)
    if row.image_generator:
        share_networks(request.output_dir / "rows" / f"{row.image_generator}_seed{seed}", folder)
    overrides = {**request.overrides, **row.overrides}
    run_pipeline(replace(request, output_dir=folder, seed=seed, variant=row.variant, overrides=overrides), METHOD)


def share_networks(source: Path, folder: Path) -> None:
    """Copy stage 1 of a finished run, manifest included, so that the pipeline finds it done."""
    manifest = read_manifest(source / "synthesis")
    if not (manifest and manifest.get("complete")):
        raise FileNotFoundError(f"{source / 'synthesis'} is not finished: run its row first")
    if (folder / "synthesis" / "manifest.json").is_file():
        return
    shutil.copytree(source / "synthesis", folder / "synthesis", dirs_exist_ok=True)


def measure_row(request: Request, row: AblationRow, seed: int, extractor: FeatureExtractor, mpp: float) -> None:
    """Write the image metrics of one seed of a row, unless they are there with the same features."""
    path = row.quality_path(request.output_dir, seed)
    if _measured(path, extractor):
        return
    folder = row.folder(request.output_dir, seed)
    card = load_network(folder / "synthesis" / "generator.pt").card
    data = DataFolder(request.dataset_dir, request.image_mpp, card.channels)
    painted_with = read_manifest(folder / "synthetic") or {}
    weights = painted_with.get("settings", {}).get("paint_with", "generator.pt")
    image_generator = load_image_generator(folder / "synthesis" / weights, resolve_device(request.device))
    images = [load_image(item.image_path, card.channels).image for item in data.training]
    paint = None if image_generator.tissue_reach else AnyStyle(image_generator, images)  # into tissue: no diversity
    quality = image_quality(data, folder / "synthetic", extractor, mpp, paint=paint)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(path, quality)


class AnyStyle:
    """Paints each image in the style of a random real one; only a generator with style channels looks at it.

    Args:
        image_generator: of a trained generator.
        images: real ones, float32 (C, H, W) in [0, 1].
    """

    def __init__(self, image_generator: SyntheticImageGenerator, images: Sequence[Tensor]) -> None:
        self.image_generator = image_generator
        self.styles = torch.cat([image_style(image[None]) for image in images])  # (n, 2 C)

    def __call__(self, label: Tensor, generator: torch.Generator) -> Tensor:
        """An image float32 (C, H, W) in [0, 1] for a label (1, H, W)."""
        chosen = int(torch.randint(len(self.styles), (1,), generator=generator))
        return self.image_generator.paint(label, generator, self.styles[chosen])


def feature_extractor(request: Request, encoder: str) -> tuple[FeatureExtractor, float]:
    """What compares images, and the um per px at which it does; where no weights are named, they are trained first."""
    path = Path(encoder) if encoder else train_encoder(request)
    model = load_network(path)
    return EncoderFeatures(path, model.network, resolve_device(request.device)), model.card.mpp


def train_encoder(request: Request) -> Path:
    """Weights of a segmenter of the real images, with ellipses on the points as labels."""
    folder = request.output_dir / FEATURES
    overrides = {name: value for name, value in request.overrides.items() if name.startswith("segmentation/")}
    run_pipeline(replace(request, output_dir=folder, seed=0, variant="", overrides=overrides), ELLIPSES)
    return folder / ELLIPSES[0].folder / "model.pt"


def _measured(path: Path, extractor: FeatureExtractor) -> bool:
    return path.is_file() and json.loads(path.read_text(encoding="utf-8")).get("digest") == extractor.digest
