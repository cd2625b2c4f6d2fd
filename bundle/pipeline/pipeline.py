# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The whole of a run: check everything, say what will be done and how long it takes, do it, write the report."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from ..data.folder import DataFolder
from ..networks.device import describe_device, resolve_device
from ..report import write_report
from .baselines import BASELINE_TITLES
from .dataset import DIAMETER, describe_dataset, fit_stages, open_dataset, stage_files, stage_pixels, with_diameter
from .datasets import clicked_parts
from .output import check_output_dir, hold, set_aside
from .painting import describe_decision, with_painting
from .plan import describe_plan, estimate, rehearse_all
from .request import Request
from .runner import run_stages
from .settings import check_overrides
from .stage_run import StageRun
from .stages import Stage, method_with

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
    with _prepared(request, stages, plan_only) as (clicked, dataset):
        return _run_on(clicked, stages, dataset, restart, plan_only)


def run_method(
    request: Request, beside: Sequence[Stage] = (), restart: str = "", plan_only: bool = False
) -> Path | None:
    """Run the method as the request's variants have it, and baselines beside it; otherwise as `run_pipeline`.

    Where no variant says whether synthetic images are painted, `with_painting` decides it.

    Args:
        request: what the user asked for.
        beside: stages of the baselines.
        restart: as for `run_pipeline`.
        plan_only: as for `run_pipeline`.
    """
    stages = [*method_with(request.variants, beside), *beside]
    with _prepared(request, stages, plan_only) as (clicked, dataset):
        decided = with_painting(clicked, dataset, beside, restart)
        return _run_on(decided, [*method_with(decided.variants, beside), *beside], dataset, restart, plan_only)


def decided(request: Request) -> Request:
    """The request as `run_method` would run it: with the variant that says whether synthetic images are painted."""
    with _prepared(request, method_with(request.variants), plan_only=True) as (clicked, dataset):
        return replace(request, variant=with_painting(clicked, dataset).variant)


@contextmanager
def _prepared(request: Request, stages: Sequence[Stage], plan_only: bool) -> Iterator[tuple[Request, DataFolder]]:
    """The request on what is clicked, with its diameter in um, and the data set, both checked."""
    check_request(request, stages)
    check_output_dir(request.output_dir)
    with clicked_parts(request, stages, plan_only) as clicked:
        dataset = open_dataset(clicked, stages)
        yield with_diameter(clicked, stages, dataset), dataset


def _run_on(
    request: Request, stages: Sequence[Stage], dataset: DataFolder, restart: str, plan_only: bool
) -> Path | None:
    stages = fit_stages(stages, dataset)
    with hold(request.output_dir):
        if restart and not plan_only:
            set_aside(request.output_dir, stages, restart)
        runs = [StageRun(request, stage, stage_files(dataset, stage)) for stage in stages]
        _log_plan(request, runs, dataset)
        if plan_only:
            return None
        run_stages(runs)
        page = write_report(request.output_dir, request.dataset_dir, BASELINE_TITLES)
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
    check_overrides(request.overrides, {stage.name: StageRun(request, stage).plain_config for stage in stages})


def _log_plan(request: Request, runs: Sequence[StageRun], dataset: DataFolder) -> None:
    states = {run.stage.folder: run.state() for run in runs}
    logger.info("%s", describe_dataset(dataset))
    if request.decision:
        logger.info("%s", describe_decision(request.decision))
    device = describe_device(resolve_device(request.device))
    logger.info(
        "preset %s, device %s, seed %d, results to %s", request.preset, device, request.seed, request.output_dir
    )
    for precision in dict.fromkeys(run.precision for run in runs if run.precision):
        logger.info("precision %s", precision)
    paces, stages = rehearse_all(runs, states), [run.stage for run in runs]
    pixels = {run.stage.folder: stage_pixels(run, dataset) for run in runs if run.stage.paced_by}
    for line in describe_plan(stages, states, paces, estimate(stages, paces, pixels)):
        logger.info("%s", line)
