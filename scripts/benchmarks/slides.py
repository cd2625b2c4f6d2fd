# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Whole slides: peak memory, time per mm2 and where it goes, on generated slides of growing size.

A slide is one picture of touching ellipses, repeated, as JPEG tiles in a pyramid. The network has the size of the cpu
preset, and weights set by hand so that it reads the objects off the colours: its time is that of any weights, and the
post-processing gets maps as full of objects as tissue is. Nothing is glass: all figures are per mm2 of tissue.
"""

from __future__ import annotations

import io
import json
import logging
import multiprocessing
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tifffile
import torch
from bundle.inference.model import ModelCard, describe_network, save_model
from bundle.networks.compact import Compact
from bundle.slide_segmentation.cluster import executor_of
from bundle.slide_segmentation.plan import Settings
from bundle.slide_segmentation.request import SlideRequest
from bundle.slide_segmentation.run import segment_slides
from PIL import Image
from torch import nn
from transforms.maps.hover import hover_map
from transforms.shapes.draw import draw_label
from transforms.shapes.ellipses import EllipseSampler, UniformAreaLaw

logger = logging.getLogger(__name__)

MODEL_MPP, SLIDE_MPP, DIAMETER = 0.5, 0.25, 6.0  # um per px; um
PATTERN = 1024  # px of the slide: what is repeated
TILE, QUALITY = 256, 90  # px; JPEG
NUCLEI = 350  # in the pattern: 5,300 per mm2


def slides(
    sizes: str = "10000,20000,40000", block: int = 2048, workers: str = "0", model: str = "", folder: str | None = None
) -> None:
    """Segment generated slides; each run is a process of its own, whose peak memory is its own.

    Args:
        sizes: sides of the slides, px at 0.25 um, with commas between.
        block: side of a unit of work, px at the model's spacing.
        workers: numbers of processes to try, with commas between; 0: one process without Dask.
        model: trained weights; without them a network of the cpu preset's size that reads the objects off the slide.
        folder: where the slides are kept for the next time; by default they are removed.
    """
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(folder or scratch)
        place.mkdir(parents=True, exist_ok=True)
        weights = Path(model) if model else write_reader(place / "model.pt")
        for size in (int(each) for each in sizes.split(",")):
            slide = write_slide(place / f"slide_{size}.tif", size)
            for count in (int(each) for each in workers.split(",")):
                measured(slide, weights, block, count)


def measured(slide: Path, model: Path, block: int, workers: int) -> dict[str, float]:
    """Segment in a fresh process; log and return seconds, mm2, MB at the peak, objects and the share of each part."""
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as output:
        receiver, sender = context.Pipe(duplex=False)
        process = context.Process(target=_segment_slide, args=(slide, model, Path(output), block, workers, sender))
        process.start()
        seconds, peak = receiver.recv()
        process.join()
        notes = json.loads((Path(output) / slide.stem / "manifest.json").read_text())["notes"]
    parts, area = notes["seconds"], notes["mm2"]
    total = sum(parts.values())
    logger.info(
        "%s, blocks of %d px, %d workers: %.2f mm2, %d objects, %.1f s, %.2f s per mm2; peak %.0f MB (of this process);"
        " reading %.0f %%, network %.0f %%, post-processing %.0f %%, putting together %.0f %%",
        *(slide.stem, block, workers, area, notes["objects"], seconds, seconds / area, peak),
        *(100 * parts[name] / total for name in ("reading", "network", "processing", "collecting")),
    )
    return {"seconds": seconds, "mm2": area, "peak": peak, "objects": notes["objects"], **parts}


def _segment_slide(slide: Path, model: Path, output: Path, block: int, workers: int, sender: object) -> None:
    device = torch.device("cpu")
    with executor_of(None, workers, device) as executor:
        request = SlideRequest(model, Settings(block=block, threads=executor.threads), tissue="none")
        started = time.perf_counter()
        segment_slides([slide], output, request, executor)
        sender.send((time.perf_counter() - started, largest_resident_set()))  # type: ignore[attr-defined]


def largest_resident_set() -> float:
    """Largest resident set of this process so far, MB; `getrusage` would count that of the parent, too."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def write_reader(path: Path) -> Path:
    """A model of the cpu preset's size that reads h and v off red and green, and m off the darkness of blue."""
    network = Compact(norm="none")
    last = network.exit[-1]
    assert isinstance(last, nn.Conv2d)
    with torch.no_grad():
        for weight in network.parameters():
            weight.zero_()
        for channel, gain in enumerate((1.7, 1.7, -20.0)):
            for feature, sign in ((2 * channel, 1.0), (2 * channel + 1, -1.0)):  # ReLU leaves one of the two
                network.stem.weight[feature, channel, 1, 1] = sign
                last.weight[channel, feature, 1, 1] = sign * gain
    save_model(path, network, ModelCard(describe_network(network), mpp=MODEL_MPP, diameter=DIAMETER))
    return path


def write_slide(path: Path, size: int) -> Path:
    """A pyramid of JPEG tiles with levels of 1, 1/4 and 1/16, as scanners write it; kept where it is there already."""
    if path.is_file():
        return path
    pattern = np.kron(pattern_image(), np.ones((2, 2, 1), np.uint8))  # (PATTERN, PATTERN, 3)
    with tifffile.TiffWriter(path, bigtiff=True) as tiff:
        for level, factor in enumerate((1, 4, 16)):
            spacing = 1e4 / (SLIDE_MPP * factor)
            side = size // factor
            tiff.write(
                jpeg_tiles(pattern[factor // 2 :: factor, factor // 2 :: factor], side),
                shape=(side, side, 3),
                dtype=np.uint8,
                tile=(TILE, TILE),
                photometric="ycbcr",
                subsampling=(1, 1),
                compression="jpeg",
                subfiletype=int(level > 0),
                resolution=(spacing, spacing),
                resolutionunit="CENTIMETER",
                metadata=None,
            )
    return path


def pattern_image() -> np.ndarray:
    """(PATTERN / 2, PATTERN / 2, 3) at the model's spacing: h, v and 1 - m of touching ellipses as colours."""
    size = PATTERN // 2
    generator = torch.Generator().manual_seed(0)
    points = torch.rand(NUCLEI, 2, generator=generator) * size - 0.5
    sampler = EllipseSampler(UniformAreaLaw(DIAMETER / MODEL_MPP).fit([points]))
    label = draw_label(sampler(points, generator), (size, size))  # (1, PATTERN / 2, PATTERN / 2)
    h, v, m = hover_map(label)
    return torch.stack([(1 + 0.6 * h) / 2, (1 + 0.6 * v) / 2, 1 - m], -1).mul(255).round().byte().numpy()


def jpeg_tiles(pattern: np.ndarray, side: int) -> Iterator[bytes]:
    """The JPEG tiles of a level, row by row; each different one is encoded once."""
    length = max(len(pattern) // TILE, 1)  # tiles after which it repeats
    repeated = np.tile(pattern, (-(-TILE // len(pattern)),) * 2 + (1,))
    encoded = [
        [_jpeg(repeated[y * TILE : (y + 1) * TILE, x * TILE : (x + 1) * TILE]) for x in range(length)]
        for y in range(length)
    ]
    count = -(-side // TILE)
    for row in range(count):
        for column in range(count):
            yield encoded[row % length][column % length]


def _jpeg(pixels: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, format="JPEG", quality=QUALITY, subsampling=0)
    return stream.getvalue()
