# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The demonstration: simulated tissue, the whole pipeline from points alone, its baselines, a verdict.

Beside it, the weights that ship segment a real image; those of the demonstration have seen nothing but simulations.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

import skimage.data
import torch

from ..files.writers import write_label, write_png
from ..inference.model import load_network, segmenter_of
from ..metrics import summarise
from ..networks.device import resolve_device
from ..objects.overlay import overlay
from ..report import write_report
from ..report.results import read_metrics
from ..simulation.dataset import write_dataset
from .baselines import BASELINE_TITLES, COMPARED, baseline_stages
from .output import EXAMPLES
from .pipeline import run_pipeline
from .request import Request
from .stages import METHOD

logger = logging.getLogger(__name__)

IMAGES, TESTING, SIZE = 20, 4, (384, 384)  # simulated images in all, those held out, px
SHIPPED = Path("models") / "model.pt"  # in the bundle
REAL = "real_immunohistochemistry_from_scikit-image,_by_the_weights_that_ship"  # the report's words for it
LEAST_AJI = 0.60  # mean over the held-out images; a demonstration below it has failed


class DemoFailedError(ValueError):
    """The demonstration ran, and its segmenter is worse than it must be."""


def run_demo(request: Request, least_aji: float = LEAST_AJI) -> Path:
    """Simulate a data set beside the results, run the pipeline and its baselines on it, segment a real image, judge.

    Args:
        request: with the data set's folder still to be made; one that is there already is used again.
        least_aji: mean AJI on the held-out simulated images that the method must reach.

    Returns:
        The report's page.

    Raises:
        DemoFailedError: AJI is below `least_aji`.
        ValueError, OSError: as `run_pipeline`.
    """
    if not (request.dataset_dir / "split.json").is_file():
        write_dataset(request.dataset_dir, images=IMAGES, size=SIZE, seed=request.seed, testing=TESTING)
    stages = [*METHOD, *baseline_stages(COMPARED, request.overrides)]
    run_pipeline(request, stages)
    segment_real_image(request.bundle_root / SHIPPED, request.output_dir, request.device)
    page = write_report(request.output_dir, request.dataset_dir, BASELINE_TITLES)
    aji = mean_aji(request.output_dir)
    if not aji >= least_aji:
        raise DemoFailedError(f"AJI {aji:.3f} on held-out simulated images is below {least_aji}; see {page.resolve()}")
    logger.info(
        "AJI %.3f on held-out simulated images, at least %.2f needed; look at %s", aji, least_aji, page.resolve()
    )
    return page


def mean_aji(output_dir: Path) -> float:
    """Mean AJI of the method's predictions; NaN where none was measured."""
    summary = summarise(read_metrics(output_dir / "predictions" / "metrics.csv"))
    return float(summary["aji"]["mean"]) if "aji" in summary else float("nan")


def segment_real_image(model: Path, output_dir: Path, device: str) -> None:
    """Segment the stained tissue that comes with scikit-image into `examples/`, for the report."""
    segmenter = segmenter_of(load_network(model), device=resolve_device(device))
    pixels = skimage.data.immunohistochemistry()  # uint8 (512, 512, 3), no spacing stated: taken for the model's
    image = torch.from_numpy(pixels.transpose(2, 0, 1).copy()).float() / 255  # (3, H, W)
    label = segmenter(image, None).label
    folder = output_dir / EXAMPLES / REAL
    folder.mkdir(parents=True, exist_ok=True)
    write_png(folder / "image.png", pixels)
    write_label(folder / "labels.tif", label)
    write_png(folder / "overlay.png", overlay(image, label))
    logger.info("segmented a real image of scikit-image: %d objects", int(label.max()))


def demo_request(request: Request, folder: Path) -> Request:
    """The request with its data set and its results below one folder."""
    return replace(request, dataset_dir=folder / "dataset", output_dir=folder / "results")
