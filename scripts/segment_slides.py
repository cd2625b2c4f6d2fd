# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The command `slide` of `scripts.segment`: whole slides, on this machine or many.

python -m scripts.segment slide SLIDE.svs --output OUT
python -m scripts.segment slide SLIDES    --output OUT --scheduler tcp://host:8786
"""

from __future__ import annotations

import logging
import sys
from dataclasses import dataclass
from pathlib import Path

import torch
from bundle.files.images import check_mpp
from bundle.inference.model import load_network, model_path
from bundle.networks.device import describe_device, resolve_device
from bundle.slide_segmentation.cluster import executor_of
from bundle.slide_segmentation.plan import Settings
from bundle.slide_segmentation.request import SlideRequest
from bundle.slide_segmentation.run import segment_slides
from bundle.slides.listing import list_slides
from scripts.segment_options import ModelOptions
from tqdm.contrib.logging import logging_redirect_tqdm

logger = logging.getLogger(__name__)

BATCH = {"cpu": 1, "cuda": 8}  # windows that the network is given at once


@dataclass(frozen=True)
class SlideOptions(ModelOptions):
    """Options of `slide` beside the slides.

    Attributes:
        output: folder; the results of a slide go to the folder of its name in there: objects.csv, objects.geojson
            (QuPath), overview.png, and blocks/ with a small file for each finished block.
        image_mpp: (or --mpp) micrometres per pixel of the finest level; without it the slide is asked, and one that
            says nothing is refused.
        tissue: otsu: only what is not glass is looked at; none: all is. By default otsu for RGB, none for one channel.
        labels: whether to write labels.tif too: the ids at the model's spacing.
        largest: diameter of the largest object that is sure to be found whole, um; by default 4 typical ones.
        block: side of a unit of work, px at the model's spacing; it bounds the memory, and nothing else depends on it.
        tile: side of what is post-processed at once, px at the model's spacing; blocks are rounded up to whole tiles.
        window: side of what the network sees at once, px at the model's spacing.
        batch: windows given to the network at once; by default 1 on a CPU and 8 on a GPU.
        workers: processes on this machine, by Dask; 0: this process alone. By default one for each processor core as
            far as the memory goes, and this process alone where there is a GPU.
        scheduler: address of a Dask scheduler, such as tcp://host:8786, in place of workers; its workers have to see
            the slides and the model under the same paths.
        threads: of the processor, for each process; by default 1 for workers. Results are equal at equal threads.

    Raises:
        ValueError: a value is out of its range.
    """

    image_mpp: float | None = None
    tissue: str | None = None
    labels: bool = False
    largest: float | None = None
    block: int = 2048
    tile: int = 1024
    window: int = 256
    batch: int | None = None
    workers: int | None = None
    scheduler: str | None = None
    threads: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        check_mpp(self.image_mpp)
        self.settings("cpu", None)

    def settings(self, kind: str, threads: int | None) -> Settings:
        """The numbers of the plan.

        Args:
            kind: of the device, cpu or cuda.
            threads: of each process, where the user does not say.

        Raises:
            ValueError: one is out of its range.
        """
        return Settings(
            self.window,
            tile=self.tile,
            block=self.block,
            largest=self.largest,
            batch=BATCH[kind] if self.batch is None else self.batch,
            threads=threads if self.threads is None else self.threads,
        )

    def request(self, weights: Path, device: torch.device, threads: int | None) -> SlideRequest:
        """What is asked for, on a device; threads as for `settings`."""
        settings = self.settings(device.type, threads)
        return SlideRequest(
            weights, settings, self.image_mpp, self.view(), self.tissue, self.augmentation, str(device), self.labels
        )


def slide(input: str, options: SlideOptions) -> None:
    """Segment a whole slide, or every slide in a folder, block by block; a run that was cut goes on where it stopped.

    Args:
        options: all else.
        input: the slide, of any kind that OpenSlide or tifffile reads, or a folder of slides.
    """
    where = resolve_device(options.device)
    weights = model_path(options.model)
    card = load_network(weights).card
    logger.info("%s: %s, %g um per px, on %s", weights, card.network["_target_"], card.mpp, describe_device(where))
    slides = list_slides(input, options.output)
    try:
        with executor_of(options.scheduler, options.workers, where) as executor, logging_redirect_tqdm():
            request = options.request(weights, where, executor.threads)
            summary = segment_slides(slides, Path(options.output), request, executor)
    except KeyboardInterrupt:
        logger.warning("stopped; the same command goes on with the blocks that are missing in %s", options.output)
        sys.exit(130)
    logger.info("%s: %s", options.output, summary)
    if summary.failed:
        sys.exit(1)
