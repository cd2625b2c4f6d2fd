# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""From images and points to a segmenter and a report, in one command that can be stopped and started again.

    python -m scripts.pipeline run     --dataset_dir DATA --output_dir OUT --preset cpu --mpp 0.25
    python -m scripts.pipeline compare --dataset_dir DATA --output_dir OUT --preset cpu --mpp 0.25
    python -m scripts.pipeline plan    --dataset_dir DATA --output_dir OUT --preset cpu --mpp 0.25
    python -m scripts.pipeline run     --dataset_dir A,B --mpp 0.25,0.5 --diameter 6,8 --share 0.7,0.3 --output_dir OUT
    python -m scripts.pipeline demo    --output OUT

OUT/report/index.html shows the results. The same command given again skips what is done and goes on with what was cut.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bundle.files import bundle_root
from bundle.files.value_rules import listed
from bundle.files.view import stated_window
from bundle.inference.model import model_path
from bundle.networks.device import resolve_device
from bundle.pipeline.baselines import COMPARED, baseline_stages
from bundle.pipeline.datasets import DatasetChoice, OneDataset, one_dataset
from bundle.pipeline.demo import LEAST_AJI, demo_request, run_demo
from bundle.pipeline.pipeline import run_method
from bundle.pipeline.request import Request
from bundle.pipeline.settings import parse_overrides, path_expression
from bundle.pipeline.stages import PAINTED, Stage
from scripts.command_line import run_command

logger = logging.getLogger("scripts.pipeline")

ROOT = bundle_root.ROOT
BASELINES = ",".join(COMPARED)


@dataclass(frozen=True)
class RunOptions:
    """Options that every command shares.

    Attributes:
        dataset_dir: folder with images/, points/ and, if there are, labels/ and split.json; or several, "a,b,c", which
            are made one in OUT/dataset.
        output_dir: folder for all results: new, empty, or that of an earlier run, which is then continued.
        preset: compute scale: smoke, cpu, best, paper, or another file of configs/presets.
        image_mpp: (or --mpp) micrometres per pixel of the images; without it their TIFF tags are asked. Of several data
            sets one for all, or one for each: "0.25,0.5".
        intensity: low,high: stored intensities of 16-bit images that become black and white; without it each image is
            scaled by itself. The model keeps the range, and images to segment are scaled by it.
        diameter: typical diameter of an object, in um ("8") or in px of the images ("24px"); 6 um without it. Of
            several data sets one for all, or one for each; the first is also the model's.
        share: of several data sets, the part of all crops that each gives: "0.7,0.3"; without it all images are alike.
        device: auto, cpu, cuda or cuda:N.
        seed: of every random draw.
        variant: files of configs/variants to lay over everything, in order, separated by commas. Where none says it,
            synthetic images are painted only if more than 5 images are clicked, and roughly, as a check of the clicks
            tells; painted has them in any case, real_only in none.
        set: settings by their id, "id=value; stage/id=value".

    Raises:
        ValueError: a value is out of its range.
    """

    dataset_dir: str
    output_dir: str
    preset: str = "cpu"
    image_mpp: str = ""
    intensity: str = ""
    diameter: str = ""
    share: str = ""
    device: str = "auto"
    seed: int = 0
    variant: str = ""
    set: str = ""

    def request(self, dataset: OneDataset) -> Request:
        """What is asked for, as the pipeline takes it; ValueError where a value is of no use."""
        return Request(
            dataset_dir=dataset.dataset_dir,
            output_dir=Path(self.output_dir),
            bundle_root=ROOT,
            preset=self.preset,
            device=str(resolve_device(self.device)),
            seed=self.seed,
            image_mpp=dataset.mpp,
            intensity=stated_window(self.intensity),
            variant=self.variant,
            overrides=parse_overrides(self.set),
            diameter=dataset.diameter,
        )


def run(options: RunOptions, init_weights: str = "", restart: str = "") -> None:
    """Train a segmenter from points, segment the testing images, write the report.

    Args:
        options: shared by all commands.
        init_weights: weights of a trained segmenter of the same network (model.pt, or its folder) that training goes on
            from; with few images, fewer updates are enough: --set segmentation_epochs=5.
        restart: a stage to make anew, with all that depend on it; what is there is moved to OUT/replaced.
    """
    _run(options, (), init_weights, restart)


def compare(options: RunOptions, init_weights: str = "", restart: str = "", baselines: str = BASELINES) -> None:
    """As run, and beside it the baselines, each training the same segmenter for the same budget.

    Args:
        options: shared by all commands.
        init_weights: weights of a trained segmenter of the same network (model.pt, or its folder) that training goes on
            from; with few images, fewer updates are enough: --set segmentation_epochs=5.
        restart: a stage to make anew, with all that depend on it; what is there is moved to OUT/replaced.
        baselines: which of ellipses, voronoi, geodesic, copy_paste, masks, cyclegan, real_only, online, refined and
            dense, separated by commas; dense needs labels of the training images, masks needs --set masks_dir=FOLDER.
    """
    _run(options, baseline_stages(listed(baselines), parse_overrides(options.set)), init_weights, restart)


def plan(options: RunOptions) -> None:
    """Check everything, say what run would do and how long it would take on this machine, and stop.

    Args:
        options: shared by all commands.
    """
    _run(options, (), plan_only=True)


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
    options = RunOptions("", "", preset, device=device, seed=seed, variant=PAINTED)  # its simulated clicks are exact
    run_demo(demo_request(options.request(OneDataset(Path())), Path(output)), least_aji)


def started_from(init_weights: str, settings: str, variants: Sequence[str] = ()) -> str:
    """The settings, with the one that lets every segmenter start from the weights, if there are any.

    With the variant `pretrained`, these weights label the real images as well.

    Raises:
        FileNotFoundError: the weights are not there.
    """
    if not init_weights:
        return settings
    setting = "pretrained" if "pretrained" in variants else "segmentation/init_weights"
    return f"{settings}; {setting}={path_expression(model_path(init_weights))}"


def _run(
    options: RunOptions, beside: Sequence[Stage], init_weights: str = "", restart: str = "", plan_only: bool = False
) -> None:
    options = replace(options, set=started_from(init_weights, options.set, listed(options.variant)))
    choice = DatasetChoice(options.dataset_dir, options.image_mpp, options.diameter, options.share)
    with one_dataset(choice, Path(options.output_dir), plan_only) as dataset:
        request = options.request(dataset)
        run_method(request, beside, restart, plan_only)


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
