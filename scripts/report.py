# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Write the report of a pipeline's output folder anew.

    python -m scripts.report make --output_dir OUT

It reads folders alone, so it also shows how far a run that is still going has come.
"""

from __future__ import annotations

import logging
import sys
from pathlib import Path

if not __package__:  # run as a file, from anywhere: the root in place of this folder, whose names are not for import
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from bundle.pipeline.baselines import BASELINE_TITLES
from bundle.report import write_report
from scripts.command_line import run_command

logger = logging.getLogger("scripts.report")


def make(output_dir: str, dataset_dir: str | None = None) -> None:
    """Write OUT/report/index.html.

    Args:
        output_dir: the pipeline's output folder, OUT.
        dataset_dir: the data set, where it is no longer in the folder that the stages recorded.
    """
    logger.info("the report: %s", write_report(output_dir, dataset_dir, BASELINE_TITLES).resolve())


if __name__ == "__main__":
    run_command({"make": make})
