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
from pathlib import Path

if not __package__:  # run as a file, from anywhere: the root in place of this folder, whose names are not for import
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm

from bundle.files.images import check_mpp
from bundle.inference.batch import BatchSegmenter, list_images
from bundle.inference.model import load_network, segmenter_of
from bundle.inference.test_time_augmentation import TEST_TIME_AUGMENTATIONS
from bundle.networks.device import describe_device, resolve_device
from bundle.objects.registry import choose_formats
from bundle.objects.simplify import check_tolerance
from scripts.command_line import run_command
from scripts.segment_slides import slide

logger = logging.getLogger(__name__)

MODEL = str(Path(__file__).resolve().parents[1] / "models" / "model.pt")


def image(
    input: str,
    output: str,
    model: str = MODEL,
    mpp: float | None = None,
    device: str = "auto",
    augmentation: str = "none",
    overwrite: bool = False,
    formats: str = "",
    simplify: float = 0,
) -> None:
    """Segment one image.

    Args:
        input: the image: PNG, TIFF or JPEG, 8 or 16 bit.
        output: folder for labels/, overlays/ and objects/.
        model: trained weights, with their .json beside them.
        mpp: micrometres per pixel of the image; without it the TIFF tags are asked, and an image that says nothing is
            taken for one at the model's spacing.
        device: auto, cpu, cuda or cuda:N.
        augmentation: none, flips or eight: average over so many views of the image; slower, a little better.
        overwrite: replace results that are there; without it they are kept and the image is skipped.
        formats: further files, separated by commas: geojson (QuPath), asap, nifti, nrrd, parquet, ome-zarr.
        simplify: px that the polygons of geojson and asap may leave the edges of pixels by, for smaller files; 0
            follows them exactly.
    """
    path = Path(input)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file" + (": use `folder`" if path.is_dir() else ""))
    _segment([path], output, model, mpp, device, augmentation, overwrite, formats, simplify)


def folder(
    input: str,
    output: str,
    model: str = MODEL,
    mpp: float | None = None,
    device: str = "auto",
    augmentation: str = "none",
    overwrite: bool = False,
    formats: str = "",
    simplify: float = 0,
) -> None:
    """Segment every image in a folder; a run that was cut goes on where it stopped when it is started again.

    Args:
        input: the folder; folders inside it are not looked into.
        output: folder for labels/, overlays/ and objects/.
        model: trained weights, with their .json beside them.
        mpp: micrometres per pixel of all images; without it each image's TIFF tags are asked, and one that says nothing
            is taken for one at the model's spacing.
        device: auto, cpu, cuda or cuda:N.
        augmentation: none, flips or eight: average over so many views of each image; slower, a little better.
        overwrite: replace results that are there; without it such images are skipped.
        formats: further files, separated by commas: geojson (QuPath), asap, nifti, nrrd, parquet, ome-zarr.
        simplify: px that the polygons of geojson and asap may leave the edges of pixels by, for smaller files; 0
            follows them exactly.
    """
    if Path(output).resolve() in (Path(input).resolve(), Path(input).resolve().parent):
        raise ValueError(f"output {output} is, or holds, the folder of the images: name another one")
    _segment(list_images(input), output, model, mpp, device, augmentation, overwrite, formats, simplify)


def _segment(
    paths: list[Path],
    output: str,
    model: str,
    mpp: float | None,
    device: str,
    augmentation: str,
    overwrite: bool,
    formats: str,
    simplify: float,
) -> None:
    if augmentation not in TEST_TIME_AUGMENTATIONS:
        raise ValueError(f"augmentation is {augmentation!r}: choose one of {', '.join(TEST_TIME_AUGMENTATIONS)}")
    check_mpp(mpp)
    check_tolerance(simplify)
    further = choose_formats(formats)
    where = resolve_device(device)
    loaded, views = load_network(model), TEST_TIME_AUGMENTATIONS[augmentation]
    card = loaded.card
    logger.info("%s: %s, %g um per px, on %s", model, card.network["_target_"], card.mpp, describe_device(where))
    segmenter = segmenter_of(loaded, augmentation=views, device=where)
    with logging_redirect_tqdm():
        batch = BatchSegmenter(segmenter, output, mpp, overwrite, further, simplify)
        summary = batch.run(tqdm(paths, unit="image", disable=None))
    logger.info("%s: %s", output, summary)
    if summary.skipped:
        logger.info("results that were there are kept; --overwrite replaces them")
    if summary.failed:
        sys.exit(1)


if __name__ == "__main__":
    run_command({"image": image, "folder": folder, "slide": slide})
