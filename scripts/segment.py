# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Segment images with a trained model.

    python -m scripts.segment image  TISSUE.tif --output OUT
    python -m scripts.segment folder IMAGES     --output OUT --mpp 0.25
    python -m scripts.segment folder IMAGES     --output OUT --formats geojson,nrrd
    python -m scripts.segment slide  SLIDE.svs  --output OUT

OUT then holds labels/NAME.tif (instance ids, 0 = background), overlays/NAME.png and objects/NAME.csv; --formats adds
files for QuPath, ASAP, 3D Slicer, napari and others (docs/outputs.md).
"""

from __future__ import annotations

import logging
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bundle.files.value_rules import listed
from bundle.inference.batch import BatchSegmenter, list_images
from bundle.inference.batch_claim import claimed_batch
from bundle.inference.model import load_network, segmenter_of
from bundle.inference.scale import AUTO, Scale, parse_scale
from bundle.inference.test_time_augmentation import TEST_TIME_AUGMENTATIONS
from bundle.networks.device import describe_device, resolve_device
from bundle.objects.registry import choose_formats
from bundle.objects.simplify import check_tolerance
from scripts.command_line import run_command
from scripts.segment_options import ModelOptions
from scripts.segment_slides import slide
from tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class SegmentOptions(ModelOptions):
    """Options that `image` and `folder` share.

    Attributes:
        output: folder for labels/, overlays/ and objects/.
        image_mpp: (or --mpp) micrometres per pixel of the images; without it the TIFF tags are asked, and an image that
            says nothing is taken for one at the model's spacing. auto: each image is shown to the model such that its
            nuclei have the size of the model's, whatever the tags say.
        diameter: typical diameter of a nucleus in the images, in um ("9") or in px of the images ("24px"), where it is
            not the model's: they are shown to it at another size.
        overwrite: replace results that are there; without it they are kept and the image is skipped.
        formats: further files, separated by commas: geojson (QuPath), asap, nifti, nrrd, parquet, ome-zarr.
        simplify: px that the polygons of geojson and asap may leave the edges of pixels by, for smaller files; 0
            follows them exactly.

    Raises:
        ValueError: a value is out of its range.
    """

    image_mpp: str | None = None
    diameter: str | None = None
    overwrite: bool = False
    formats: str = ""
    simplify: float = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        check_tolerance(self.simplify)
        self.scale()

    def scale(self) -> tuple[float | None, Scale]:
        """um per px of the images, None where their files say it, and how large their objects are."""
        return parse_scale(self.image_mpp, self.diameter)

    def identity(self) -> dict[str, Any]:
        """All that decides the results beside the model."""
        formats, (mpp, scale) = sorted(listed(self.formats)), self.scale()
        return {
            "image_mpp": AUTO if scale.auto else mpp,
            **({"object_diameter": self.diameter} if scale.diameter else {}),
            "augmentation": self.augmentation,
            "formats": formats,
            "simplify": float(self.simplify),
            "channel": self.view().channel,
            "plane": self.view().plane,
        }


def image(input: str, options: SegmentOptions) -> None:
    """Segment one image.

    Args:
        options: shared with `folder`.
        input: the image: PNG, TIFF or JPEG, 8 or 16 bit.
    """
    path = Path(input)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file" + (": use `folder`" if path.is_dir() else ""))
    _segment_images([path], options)


def folder(input: str, options: SegmentOptions) -> None:
    """Segment every image in a folder; a run that was cut goes on where it stopped when it is started again.

    Args:
        options: shared with `image`.
        input: the folder; folders inside it are not looked into.
    """
    if Path(options.output).resolve() in (Path(input).resolve(), Path(input).resolve().parent):
        raise ValueError(f"output {options.output} is, or holds, the folder of the images: name another one")
    _segment_images(list_images(input), options)


def _segment_images(paths: list[Path], options: SegmentOptions) -> None:
    further = choose_formats(options.formats)
    where = resolve_device(options.device)
    loaded, views = load_network(options.model), TEST_TIME_AUGMENTATIONS[options.augmentation]
    card = loaded.card
    logger.info(
        "%s: %s, %g um per px, on %s", options.model, card.network["_target_"], card.mpp, describe_device(where)
    )
    segmenter = segmenter_of(loaded, augmentation=views, device=where)
    mpp, scale = options.scale()
    scale.require(segmenter)
    names = [path.stem for path in paths]
    claim = claimed_batch(options.output, options.model, options.identity(), names, options.overwrite)
    with claim, logging_redirect_tqdm():
        batch = BatchSegmenter(
            segmenter, options.output, mpp, options.overwrite, further, options.simplify, options.view(), scale
        )
        batch.settle_intensities(paths)
        summary = batch.run(tqdm(paths, unit="image", disable=None))
        logger.info("%s: %s", options.output, summary)
        if summary.skipped:
            logger.info("results that were there are kept; --overwrite replaces them")
        if summary.failed:
            sys.exit(1)


if __name__ == "__main__":
    run_command({"image": image, "folder": folder, "slide": slide})
