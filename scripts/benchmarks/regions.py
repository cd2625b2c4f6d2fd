# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""What a region of a slide costs a server of labels, beside the same pixels as an image, and how good its objects are.

The slide whose regions are timed is that of `scripts.benchmarks.slides`: touching ellipses, nothing is glass. Pixels
are those that the network is shown, at its spacing. Regions lie at random places.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from bundle.data.folder import DataFolder
from bundle.files.leftovers import scratch_folder
from bundle.files.writers import write_image
from bundle.label_server.images import objects_of_label, owned, segment_image
from bundle.label_server.query import Query
from bundle.label_server.slides import objects_of_slide
from bundle.metrics.detection import object_centres
from bundle.metrics.evaluate import label_metrics
from bundle.objects.polygons import SlideObject
from bundle.slides.grid import Box
from bundle.slides.reader import Slide
from skimage.draw import polygon
from transforms.pixel_centres import from_corner
from transforms.size import Size

from .slides import SLIDE_MPP, write_reader, write_slide

logger = logging.getLogger(__name__)


def slide_regions(
    sizes: str = "512,1024,2048", places: int = 8, slide_px: int = 10000, model: str = "", seed: int = 0
) -> None:
    """Segment regions of a slide, and the same pixels as images; one thread.

    Args:
        sizes: sides of the regions, px of the slide at 0.25 um, with commas between.
        places: how many regions of each size.
        slide_px: side of the slide, px.
        model: trained weights; without them a network of the cpu preset's size that reads the objects off the slide.
        seed: of the places.
    """
    torch.set_num_threads(1)
    generator = np.random.default_rng(seed)
    with scratch_folder("regions-benchmark") as scratch:
        query = Query(Path(model) if model else write_reader(scratch / "model.pt"))
        slide = write_slide(scratch / "slide.tif", slide_px)
        objects_of_slide(slide, query, [Box(0, 0, 64, 64)])  # looks for tissue and loads the model
        for size in (int(each) for each in sizes.split(",")):
            corners = generator.integers(0, slide_px - size, (places, 2)).tolist()
            boxes = [Box(x, y, x + size, y + size) for x, y in corners]
            alone = [costs_of(query, partial(objects_of_slide, slide, query, [box])) for box in boxes]
            whole = [_as_image(slide, query, box, scratch / "region.tif") for box in boxes]
            _log_costs(f"{size} px", np.mean(alone, axis=0), np.mean(whole, axis=0))
        _measure_neighbours(slide, query, int(sizes.split(",")[0]), scratch)


def region_agreement(
    model: str,
    dataset_dir: str,
    image_mpp: float | None = None,
    split: str = "training",
    sides: str = "512,700,900",
    limit: int = 8,
    seed: int = 0,
) -> None:
    """Compare the objects of a region with those of the whole slide there, and both with a label.

    Each image is written as a slide, and one region of each side lies at a random place of it. Objects count where
    their centre lies in the region.

    Args:
        model: trained weights with their .json beside them.
        dataset_dir: the data set, with labels.
        image_mpp: (or --mpp) micrometres per pixel of the images; without it their TIFF tags are asked.
        split: the part to measure on: training or testing.
        sides: of the regions, px of the image, with commas between.
        limit: how many images, from the first on.
        seed: of the places.
    """
    torch.set_num_threads(1)
    generator, query = np.random.default_rng(seed), Query(Path(model))
    folder = DataFolder(dataset_dir, image_mpp, query.segmenter().channels)
    rows: dict[int, list[list[float]]] = {int(side): [] for side in sides.split(",")}
    with scratch_folder("regions-agreement") as scratch:
        for number, item in enumerate(folder.items(split)[:limit]):
            sample, label = folder.load(item), folder.load_label(item)[0].numpy()
            pixels, slide = sample["image"].mul(255).round().byte().numpy(), scratch / f"{number}.tif"
            write_image(slide, pixels, sample["mpp"])
            whole = _drawn(objects_of_slide(slide, query, [])[0], label.shape)
            for side in rows:
                x, y = (int(generator.integers(0, length - side + 1)) for length in label.shape[::-1])
                box = Box(x, y, x + side, y + side)
                write_image(scratch / "region.tif", pixels[:, *box.slices(Box.of(label.shape))], sample["mpp"])
                image = np.zeros_like(label)
                image[box.slices(Box.of(label.shape))] = segment_image(scratch / "region.tif", query)[0].label[0]
                region = _drawn(objects_of_slide(slide, query, [box])[0], label.shape)
                slide_there, truth = (_centred_in(each, box) for each in (whole, label))
                pairs = [(region, slide_there), (image, slide_there)]
                pairs += [(found, truth) for found in (region, slide_there, image)]
                rows[side].append([label_metrics(*pair)[metric] for pair in pairs for metric in ("aji", "pq")])
    for side, values in rows.items():
        logger.info(
            "%d px, %d regions: AJI and PQ with the slide's objects %.3f, %.3f (as TIFF %.3f, %.3f); with the label:"
            " region %.3f, %.3f, slide %.3f, %.3f, TIFF %.3f, %.3f",
            *(side, len(values), *np.mean(values, axis=0)),
        )


def _drawn(objects: Sequence[SlideObject], size: Size) -> np.ndarray:
    """Label (H, W) of objects in px from the corner, whose polygons run along the edges of pixels."""
    label = np.zeros(size, np.int32)
    for identity, item in enumerate(objects, 1):
        for part in item.parts:
            column, row = from_corner(part.exterior).T
            label[polygon(row, column, size)] = identity
    return label


def _centred_in(label: np.ndarray, box: Box) -> np.ndarray:
    """The objects whose centre lies in a box."""
    ids = np.unique(label)
    return np.where(np.isin(label, ids[ids > 0][owned(object_centres(label), [box])]), label, 0)


def _measure_neighbours(slide: Path, query: Query, size: int, scratch: Path) -> None:
    """Four by four regions, one after the other, as someone who goes over a slide asks for them."""
    first = 1000  # px
    boxes = [
        Box(first + column * size, first + row * size, first + (column + 1) * size, first + (row + 1) * size)
        for row in range(4)
        for column in range(4)
    ]

    def all_of_them() -> None:
        for box in boxes:
            objects_of_slide(slide, query, [box])

    together = costs_of(query, all_of_them)
    whole = [_as_image(slide, query, box, scratch / "region.tif") for box in boxes]
    _log_costs(f"16 of {size} px side by side", together, np.sum(whole, axis=0))


def _log_costs(name: str, region: np.ndarray, image: np.ndarray) -> None:
    _, pixels, seconds = region / image
    logger.info(
        "%s: as regions of a slide %.1f windows, as TIFF %.1f; %.2f times the pixels, %.2f times the processor time",
        *(name, region[0], image[0], pixels, seconds),
    )


def _as_image(slide: Path, query: Query, box: Box, path: Path) -> np.ndarray:
    with Slide(slide) as opened:
        pixels = opened.read(box.left, box.top, box.width, box.height)
    write_image(path, pixels.mul(255).round().byte().numpy(), SLIDE_MPP)
    return costs_of(query, lambda: list(objects_of_label(*segment_image(path, query), [])))


def costs_of(query: Query, work: Callable[[], Any]) -> np.ndarray:
    """Windows that the network is shown, their px, and s of processor time."""
    shown = np.zeros(2)

    def count(network: Any, given: tuple[torch.Tensor, ...]) -> None:
        shown[:] += given[0].shape[0], given[0][:, 0].numel()

    hook = query.segmenter().network.register_forward_pre_hook(count)
    try:
        started = time.process_time()
        work()
        return np.array([*shown, time.process_time() - started])
    finally:
        hook.remove()
