# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Speed, beside MONAI's own or a plain loop, in turn on one machine (docs/performance.md); what commands survive.

python -m scripts.benchmarks hover
python -m scripts.benchmarks instances --sizes 500,1000,2000
python -m scripts.benchmarks predictions --model OUT/segmentation --dataset_dir DATA
python -m scripts.benchmarks metrics
python -m scripts.benchmarks networks
python -m scripts.benchmarks precision
python -m scripts.benchmarks slides
python -m scripts.benchmarks regions
python -m scripts.benchmarks region_agreement --model models/model.pt --dataset_dir DATA --mpp 0.25
python -m scripts.benchmarks memory
python -m scripts.benchmarks synthesis --preset cpu
python -m scripts.benchmarks click --dataset_dir DATA
python -m scripts.benchmarks reliability --folder CAMPAIGN
python -m scripts.benchmarks layout
python -m scripts.benchmarks scale --dataset_dir DATA --mpp 0.25
python -m scripts.benchmarks pseudo_labels --dataset_dir DATA --mpp 0.25
"""

from __future__ import annotations

from collections.abc import Callable

from scripts.benchmarks.click import click_page
from scripts.benchmarks.labels import hover, instances, metrics, predictions
from scripts.benchmarks.layout import layout
from scripts.benchmarks.memory import memory
from scripts.benchmarks.networks import networks
from scripts.benchmarks.precision import precision
from scripts.benchmarks.pseudo_labels import pseudo_labels
from scripts.benchmarks.regions import region_agreement, slide_regions
from scripts.benchmarks.scale import scale
from scripts.benchmarks.slides import slides
from scripts.benchmarks.synthesis import synthesis
from scripts.command_line import run_command
from scripts.reliability.campaign import reliability

COMMANDS: dict[str, Callable[..., None]] = {
    "hover": hover,
    "instances": instances,
    "predictions": predictions,
    "metrics": metrics,
    "networks": networks,
    "precision": precision,
    "slides": slides,
    "regions": slide_regions,
    "region_agreement": region_agreement,
    "memory": memory,
    "synthesis": synthesis,
    "click": click_page,
    "reliability": reliability,
    "layout": layout,
    "scale": scale,
    "pseudo_labels": pseudo_labels,
}

if __name__ == "__main__":
    run_command(COMMANDS)
