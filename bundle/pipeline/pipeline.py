# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The whole of a run: check everything, say what will be done and how long it takes, do it, write the report."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from ..data.folder import DataFolder
from ..networks.device import describe_device, resolve_device
from ..report import write_report
from .dataset import DIAMETER, describe_dataset, fit_stages, open_dataset, stage_files, stage_pixels, with_diameter
from .output import check_output_dir, hold, set_aside
from .plan import describe_plan, estimate, rehearse_all
from .request import Request
from .runner import check_stages, run_stages
from .settings import check_overrides
from .stages import Stage

logger = logging.getLogger(__name__)


def run_pipeline(request: Request, stages: Sequence[Stage], restart: str = "", plan_only: bool = False) -> Path | None:
    """Run the stages that are not done yet and write the report.

    Args:
        request: what the user asked for.
        stages: in order.
        restart: a stage to make anew with all that read it, as `set_aside` takes it; "" for none.
        plan_only: stop after the plan; nothing is written or moved but the lock.

    Returns:
        The report's page; None with `plan_only`.

    Raises:
        ValueError, OSError: before anything runs: what is wrong with the data, the settings or the output folder.
        StageError: a stage stopped.
    """
    check_request(request, stages)
    check_output_dir(request.output_dir)
    dataset = open_dataset(request, stages)
    request, stages = with_diameter(request, stages, dataset), fit_stages(stages, dataset)
    with hold(request.output_dir):
        if restart and not plan_only:
            set_aside(request.output_dir, stages, restart)
        _plan(request, stages, dataset)
        if plan_only:
            return None
        run_stages(request, stages, lambda stage: stage_files(dataset, stage))
        page = write_report(request.output_dir, request.dataset_dir)
        logger.info("the report: %s", page.resolve())
        return page


def check_request(request: Request, stages: Sequence[Stage]) -> None:
    """Refuse a preset, a variant or an override that does not exist, naming those that do, and a diameter given twice.

    Raises:
        ValueError: names the wrong one.
    """
    configs = request.bundle_root / "configs"
    for kind, name in (("preset", request.preset), *(("variant", variant) for variant in request.variants)):
        known = sorted(path.stem for path in (configs / f"{kind}s").glob("*.yaml"))
        if name not in known:
            raise ValueError(
                f"{kind} is {name!r}: choose one of {', '.join(known) or f'none: {configs} has no {kind}s'}"
            )
    if request.diameter and (twice := [name for name in request.overrides if name.rpartition("/")[2] == DIAMETER]):
        raise ValueError(
            f"the diameter is given twice, by --diameter and by --set {twice[0]}=...: leave one of them out"
        )
    check_overrides(request.overrides, {stage.name: request.plain_config(stage) for stage in stages})


def _plan(request: Request, stages: Sequence[Stage], dataset: DataFolder) -> None:
    states = check_stages(request, stages, lambda stage: stage_files(dataset, stage))
    logger.info("%s", describe_dataset(dataset))
    device = describe_device(resolve_device(request.device))
    logger.info(
        "preset %s, device %s, seed %d, results to %s", request.preset, device, request.seed, request.output_dir
    )
    for precision in dict.fromkeys(filter(None, map(request.precision, stages))):
        logger.info("precision %s", precision)
    paces = rehearse_all(request, stages, states)
    pixels = {stage.folder: stage_pixels(request, dataset, stage) for stage in stages if stage.paced_by}
    for line in describe_plan(stages, states, paces, estimate(stages, paces, pixels)):
        logger.info("%s", line)
