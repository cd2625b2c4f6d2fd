# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""From images and points to a segmenter and a report, in one command that can be stopped and started again.

    python -m scripts.pipeline run     --dataset_dir DATA --output_dir OUT --preset cpu --mpp 0.25
    python -m scripts.pipeline compare --dataset_dir DATA --output_dir OUT --preset cpu --mpp 0.25
    python -m scripts.pipeline plan    --dataset_dir DATA --output_dir OUT --preset cpu --mpp 0.25
    python -m scripts.pipeline demo    --output OUT

OUT/report/index.html shows the results. The same command given again skips what is done and goes on with what was cut.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from pathlib import Path

if not __package__:  # run as a file, from anywhere: the root in place of this folder, whose names are not for import
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from bundle.data.diameters import parse_diameter
from bundle.files.images import check_mpp
from bundle.inference.model import model_path
from bundle.networks.device import resolve_device
from bundle.pipeline.baselines import COMPARED, baseline_stages
from bundle.pipeline.demo import LEAST_AJI, demo_request, run_demo
from bundle.pipeline.pipeline import run_pipeline
from bundle.pipeline.request import Request
from bundle.pipeline.settings import parse_overrides, path_expression
from bundle.pipeline.stages import Stage, method_with
from scripts.command_line import run_command

logger = logging.getLogger("scripts.pipeline")

ROOT = Path(__file__).resolve().parents[1]


def run(
    dataset_dir: str,
    output_dir: str,
    preset: str = "cpu",
    mpp: float | None = None,
    diameter: str = "",
    device: str = "auto",
    seed: int = 0,
    variant: str = "",
    set: str = "",
    init_weights: str = "",
    restart: str = "",
) -> None:
    """Train a segmenter from points, segment the testing images, write the report.

    Args:
        dataset_dir: folder with images/, points/ and, if there are, labels/ and split.json.
        output_dir: folder for all results: new, empty, or that of an earlier run, which is then continued.
        preset: compute scale: smoke, cpu, paper, or another file of configs/presets.
        mpp: micrometres per pixel of the images; without it their TIFF tags are asked.
        diameter: typical diameter of an object, in um ("8") or in px of the images ("24px"); 6 um without it.
        device: auto, cpu, cuda or cuda:N.
        seed: of every random draw.
        variant: files of configs/variants to lay over everything, in order, separated by commas.
        set: settings by their id, "id=value; stage/id=value".
        init_weights: weights of a trained segmenter of the same network (model.pt, or its folder) that training goes on
            from; with few images, fewer updates are enough: --set segmentation_epochs=5.
        restart: a stage to make anew, with all that depend on it; what is there is moved to OUT/replaced.
    """
    settings = started_from(init_weights, set)
    _run((), dataset_dir, output_dir, preset, mpp, diameter, device, seed, variant, settings, restart)


def compare(
    dataset_dir: str,
    output_dir: str,
    preset: str = "cpu",
    mpp: float | None = None,
    diameter: str = "",
    device: str = "auto",
    seed: int = 0,
    variant: str = "",
    set: str = "",
    init_weights: str = "",
    restart: str = "",
    baselines: str = ",".join(COMPARED),
) -> None:
    """As run, and beside it the baselines, each training the same segmenter for the same budget.

    Args:
        dataset_dir: folder with images/, points/, labels/ and, if there is one, split.json.
        output_dir: folder for all results: new, empty, or that of an earlier run, which is then continued.
        preset: compute scale: smoke, cpu, paper, or another file of configs/presets.
        mpp: micrometres per pixel of the images; without it their TIFF tags are asked.
        diameter: typical diameter of an object, in um ("8") or in px of the images ("24px"); 6 um without it.
        device: auto, cpu, cuda or cuda:N.
        seed: of every random draw.
        variant: files of configs/variants to lay over everything, in order, separated by commas.
        set: settings by their id, "id=value; stage/id=value".
        init_weights: weights of a trained segmenter of the same network (model.pt, or its folder) that training goes on
            from; with few images, fewer updates are enough: --set segmentation_epochs=5.
        restart: a stage to make anew, with all that depend on it; what is there is moved to OUT/replaced.
        baselines: which of ellipses, voronoi, geodesic, copy_paste, masks, cyclegan, real_only, online, refined and
            dense, separated by commas; dense needs labels of the training images, masks needs --set masks_dir=FOLDER.
    """
    chosen = filter(None, (name.strip() for name in baselines.split(",")))
    beside = baseline_stages(chosen, parse_overrides(set))
    settings = started_from(init_weights, set)
    _run(beside, dataset_dir, output_dir, preset, mpp, diameter, device, seed, variant, settings, restart)


def plan(
    dataset_dir: str,
    output_dir: str,
    preset: str = "cpu",
    mpp: float | None = None,
    diameter: str = "",
    device: str = "auto",
    seed: int = 0,
    variant: str = "",
    set: str = "",
) -> None:
    """Check everything, say what run would do and how long it would take on this machine, and stop.

    Args:
        dataset_dir: as for run.
        output_dir: as for run.
        preset: as for run.
        mpp: as for run.
        diameter: as for run.
        device: as for run.
        seed: as for run.
        variant: as for run.
        set: as for run.
    """
    _run((), dataset_dir, output_dir, preset, mpp, diameter, device, seed, variant, set, plan_only=True)


def demo(
    output: str = "demo_output", preset: str = "demo", device: str = "auto", seed: int = 0, least_aji: float = LEAST_AJI
) -> None:
    """Show the whole method on simulated tissue, with its baselines, and on a real image; fails below a stated AJI.

    Args:
        output: folder for the simulated data set and the results; an earlier demo in it is continued.
        preset: compute scale.
        device: auto, cpu, cuda or cuda:N.
        seed: of the simulation and of every random draw.
        least_aji: mean AJI on held-out simulated images that must be reached.
    """
    folder = Path(output)
    run_demo(demo_request(_request("", "", preset, None, "", device, seed, "", ""), folder), least_aji)


def started_from(init_weights: str, settings: str) -> str:
    """The settings, with the one that lets every segmenter start from the weights, if there are any.

    Raises:
        FileNotFoundError: the weights are not there.
    """
    if not init_weights:
        return settings
    return f"{settings}; segmentation/init_weights={path_expression(model_path(init_weights))}"


def _run(
    beside: Sequence[Stage],
    dataset_dir: str,
    output_dir: str,
    preset: str,
    mpp: float | None,
    diameter: str,
    device: str,
    seed: int,
    variant: str,
    overrides: str,
    restart: str = "",
    plan_only: bool = False,
) -> None:
    request = _request(dataset_dir, output_dir, preset, mpp, diameter, device, seed, variant, overrides)
    run_pipeline(request, [*method_with(request.variants, beside), *beside], restart, plan_only)


def _request(
    dataset_dir: str,
    output_dir: str,
    preset: str,
    mpp: float | None,
    diameter: str,
    device: str,
    seed: int,
    variant: str,
    overrides: str,
) -> Request:
    if not isinstance(seed, int):
        raise ValueError(f"seed is {seed!r}: give an integer")
    return Request(
        dataset_dir=Path(dataset_dir),
        output_dir=Path(output_dir),
        bundle_root=ROOT,
        preset=preset,
        device=str(resolve_device(device)),
        seed=seed,
        image_mpp=check_mpp(mpp),
        variant=variant,
        overrides=parse_overrides(overrides),
        diameter=parse_diameter(diameter) if diameter else None,
    )


def _join_settings(argv: Sequence[str]) -> list[str]:
    """The arguments with every `--set X` in one, because fire would keep the last alone."""
    rest, settings = [], []
    words = iter(argv)
    for word in words:
        if word == "--set":
            settings.append(next(words, ""))
        elif word.startswith("--set="):
            settings.append(word.removeprefix("--set="))
        else:
            rest.append(word)
    return [*rest, "--set", "; ".join(settings)] if settings else rest


def main(argv: Sequence[str] | None = None) -> None:
    """Command line; bad input is one line and exit code 1, Ctrl-C leaves everything to be continued."""
    try:
        run_command(
            {"run": run, "compare": compare, "plan": plan, "demo": demo},
            _join_settings(sys.argv[1:] if argv is None else argv),
        )
    except KeyboardInterrupt:
        logger.warning("stopped; the same command goes on from the last checkpoint")
        sys.exit(130)


if __name__ == "__main__":
    main()
