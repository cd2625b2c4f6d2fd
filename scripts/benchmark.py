# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Speed, beside MONAI's own or a plain loop, in turn on one machine (docs/performance.md); the table of results.

python -m scripts.benchmark hover
python -m scripts.benchmark instances --sizes 500,1000,2000
python -m scripts.benchmark predictions --model OUT/segmentation --dataset_dir DATA
python -m scripts.benchmark metrics
python -m scripts.benchmark networks
python -m scripts.benchmark precision
python -m scripts.benchmark slides
python -m scripts.benchmark memory
python -m scripts.benchmark synthesis --preset cpu
python -m scripts.benchmark table --dataset_dir DATA --output_dir OUT --mpp 0.25
"""

from __future__ import annotations

from collections.abc import Callable

from scripts.benchmark_labels import hover, instances, metrics, predictions
from scripts.benchmark_memory import memory
from scripts.benchmark_networks import networks
from scripts.benchmark_precision import precision
from scripts.benchmark_slides import slides
from scripts.benchmark_synthesis import synthesis
from scripts.benchmark_table import table
from scripts.command_line import run_command

COMMANDS: dict[str, Callable[..., None]] = {
    "hover": hover,
    "instances": instances,
    "predictions": predictions,
    "metrics": metrics,
    "networks": networks,
    "precision": precision,
    "slides": slides,
    "memory": memory,
    "synthesis": synthesis,
    "table": table,
}

if __name__ == "__main__":
    run_command(COMMANDS)
