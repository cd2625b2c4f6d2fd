# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Speed and quality of what is done with labels, beside MONAI's own, on one core.

Times are processor seconds of one thread: on an idle core they are seconds, and on a busy machine they still compare.
"""

from __future__ import annotations

import logging
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np
import torch
from bundle.data.folder import DataFolder
from bundle.inference.model import load_network, segmenter_of, smallest_object
from bundle.inference.outputs import HoverOutput
from bundle.metrics import evaluate_label
from bundle.metrics.detection import object_centres
from bundle.metrics.evaluate import label_metrics, point_metrics
from monai.apps.pathology.transforms import HoVerNetInstanceMapPostProcessing
from monai.metrics.panoptic_quality import compute_panoptic_quality
from monai.transforms import ComputeHoVerMaps
from scipy.ndimage import gaussian_filter
from torch import Tensor
from transforms.instances.hover_to_label import hover_to_label
from transforms.maps.hover import hover_map
from transforms.resample import resample_image, resample_label, working_size
from transforms.shapes.draw import draw_label
from transforms.shapes.ellipses import EllipseSampler, UniformAreaLaw

logger = logging.getLogger(__name__)

DENSITY = 700 / 1000**2  # generated objects per px
MPP, DIAMETER = 0.25, 6.0  # um per px, and um: their typical diameter
BLUR = 1.0  # px, of a prediction's maps and of its noise: networks err smoothly


def hover(nuclei: int = 700, size: int = 1000, repeats: int = 7) -> None:
    """Label to hover map, beside `monai.transforms.ComputeHoVerMaps`; the two must be equal.

    Args:
        nuclei: objects in the label.
        size: side of the label, px.
        repeats: pairs of runs; medians are reported.

    Raises:
        ValueError: the two maps differ.
    """
    label = generated_label(nuclei, size)
    theirs = ComputeHoVerMaps()
    if not np.array_equal(np.asarray(theirs(label)), hover_map(label)[:2].numpy()):
        raise ValueError("the hover map differs from MONAI's: run the tests of transforms/maps/hover.py")
    with one_thread():
        pairs = timed(lambda: hover_map(label), lambda: theirs(label), repeats)
    logger.info("label -> hover map, %d x %d px, %d nuclei: %s", size, size, nuclei, compared(pairs))


def instances(sizes: str = "500,1000,2000", repeats: int = 3, noise: float = 0.1, limit: float = 120.0) -> None:
    """Hover map to label, beside MONAI's HoVerNetInstanceMapPostProcessing, at growing size and equal density.

    Both with their defaults: ours are those of a segmenter of nuclei of 6 um at 0.25 um per px, as the label has them.

    Args:
        sizes: sides of the maps, px, ascending, with commas between; each holds 700 nuclei per 1000 x 1000 px.
        repeats: pairs of runs; medians are reported.
        noise: standard deviation of what is added to the maps, blurred as networks blur; 0: the ideal maps.
        limit: s that one run of MONAI's may take, as far as can be told from the size before; it is left out beyond.
    """
    ours = HoverOutput(mpp=MPP).labeller(smallest_object(DIAMETER, MPP))
    expected, before = 0.0, 0
    for size in (int(each) for each in sizes.split(",")):
        label = generated_label(round(DENSITY * size**2), size)
        seen = predicted(label, noise)
        name = f"hover map -> label, {size} x {size} px, {int(label.max())} nuclei"
        expected *= (size / before) ** 4 if before else 1  # quadratic in the number of pixels
        with one_thread():
            found = ours(seen)
            if expected > limit:
                own = statistics.median(seconds(partial(ours, seen)) for _ in range(repeats))
                logger.info("%s: ours %.4f s; MONAI's left out: about %.0f s", name, own, expected)
            else:
                other = monai_label(seen)
                pairs = timed(partial(ours, seen), partial(monai_label, seen), repeats)
                own, expected = np.median(pairs, axis=0).tolist()
                logger.info("%s: %s; MONAI's %s", name, compared(pairs), quality(other, label))
        before = size
        logger.info("    ours %s; %.0f ns per px", quality(found, label), own / size**2 * 1e9)


def predictions(
    model: str, dataset_dir: str, image_mpp: float | None = None, split: str = "testing", limit: int = 3
) -> None:
    """What a trained network predicts, to labels by both ways, at the model's spacing, each with its defaults.

    Args:
        model: trained weights with their .json beside them, or their folder.
        dataset_dir: the data set, with labels.
        image_mpp: (or --mpp) micrometres per pixel of the images; without it their TIFF tags are asked.
        split: the part to measure on: training or testing.
        limit: how many of its images, from the first on.

    Raises:
        ValueError: the part has no image.
    """
    loaded = load_network(model)
    folder, segmenter = DataFolder(dataset_dir, image_mpp, loaded.card.channels), segmenter_of(loaded)
    scores = []  # per image: ours and MONAI's AJI and PQ
    for item in folder.items(split)[:limit]:
        sample = folder.load(item)
        size = working_size((sample["image"].shape[1], sample["image"].shape[2]), sample["mpp"], segmenter.mpp)
        seen = segmenter.hover_map(resample_image(sample["image"], size)).cpu()
        label = resample_label(folder.load_label(item), size)
        ways = segmenter.to_label(seen), monai_label(seen)
        logger.info("%s: ours %s; MONAI's %s", item.name, *(quality(found, label) for found in ways))
        scores.append([[evaluate_label(found, label)[metric] for metric in ("aji", "pq")] for found in ways])
    if not scores:
        raise ValueError(f"{dataset_dir}: no image in the part {split!r}: name some in split.json, or set split")
    mean = np.mean(scores, 0)
    logger.info("mean of %d: ours AJI %.4f, PQ %.4f; MONAI's AJI %.4f, PQ %.4f", len(scores), *mean[0], *mean[1])


def metrics(nuclei: int = 700, size: int = 1000, repeats: int = 7) -> None:
    """All metrics of one image together, beside MONAI's panoptic quality alone; the two PQ must be equal.

    Args:
        nuclei: objects in the label.
        size: side of the label, px.
        repeats: pairs of runs; medians are reported.

    Raises:
        ValueError: the two values differ.
    """
    truth = generated_label(nuclei, size)
    found = hover_to_label(predicted(truth, 0.1))

    def theirs() -> float:
        return float(compute_panoptic_quality(found[0], truth[0], metric_name="pq"))

    own = label_metrics(found, truth)
    if abs(theirs() - own["pq"]) > 1e-4:  # MONAI adds 1e-6 to denominators
        raise ValueError(f"PQ is {own['pq']}, and MONAI's is {theirs()}: run the tests of bundle/metrics")
    points = object_centres(truth)
    with one_thread():
        pairs = timed(lambda: label_metrics(found, truth), theirs, repeats)
        alone = statistics.median(seconds(lambda: point_metrics(found, points)) for _ in range(repeats))
    logger.info(
        "%s together, and MONAI's PQ alone, %d x %d px, %d nuclei: %s",
        ", ".join(own),
        size,
        size,
        nuclei,
        compared(pairs),
    )
    logger.info("metrics from points alone: %.4f s", alone)


def generated_label(nuclei: int, size: int) -> Tensor:
    """(1, size, size) int32: ellipses of 6 um at 0.25 um per px on uniformly random points."""
    generator = torch.Generator().manual_seed(0)
    points = torch.rand(nuclei, 2, generator=generator) * size - 0.5
    sampler = EllipseSampler(UniformAreaLaw(DIAMETER / MPP).fit([points]))
    return draw_label(sampler(points, generator), (size, size))


def predicted(label: Tensor, noise: float) -> Tensor:
    """The hover map (3, H, W) of a label as a network might see it; as it is for noise 0."""
    ideal = hover_map(label)
    if noise == 0:
        return ideal
    rng = np.random.default_rng(0)
    errors = gaussian_filter(rng.standard_normal(ideal.shape, dtype=np.float32), (0, BLUR, BLUR))
    seen = gaussian_filter(ideal.numpy(), (0, BLUR, BLUR)) + errors * np.float32(noise / errors.std())
    return torch.from_numpy(seen).clamp(-1, 1)


def monai_label(seen: Tensor) -> Tensor:
    """(3, H, W), m in [0, 1], to (1, H, W) int32 by MONAI's chain."""
    chain = HoVerNetInstanceMapPostProcessing()
    return torch.as_tensor(np.asarray(chain(torch.cat([1 - seen[2:], seen[2:]]), seen[:2])[1])).int()


def quality(found: Tensor, label: Tensor) -> str:
    """AJI, PQ and number of objects, for a message."""
    scores = evaluate_label(found, label)
    return f"AJI {scores['aji']:.4f}, PQ {scores['pq']:.4f}, {int(found.max())} objects"


@contextmanager
def one_thread() -> Iterator[None]:
    """Have torch compute on one thread."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def timed(ours: Callable[[], Any], theirs: Callable[[], Any], repeats: int) -> np.ndarray:
    """Seconds of two functions, run in turn: (repeats, 2)."""
    return np.array([(seconds(ours), seconds(theirs)) for _ in range(repeats)])


def compared(pairs: np.ndarray) -> str:
    """Medians of `timed`, and the median of the ratios, for a message."""
    own, other = np.median(pairs, axis=0)
    return f"ours {own:.4f} s, MONAI {other:.4f} s, {np.median(pairs[:, 1] / pairs[:, 0]):.1f} times faster"


def seconds(function: Callable[[], Any]) -> float:
    """Processor time of one call."""
    start = time.process_time()
    function()
    return time.process_time() - start
