# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Diversity: how much images that a generator paints on one mask differ from noise to noise (METHOD section 6)."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import Tensor
from transforms.random_streams import generator

Paint = Callable[[Tensor, torch.Generator], Tensor]  # label (1, H, W), generator -> image (C, H, W) in [0, 1]
NOISES = 10  # the paper's number of samples of one mask


def pixel_deviation(images: Tensor) -> float:
    """Standard deviation over K images of one mask, the mean over pixels and channels.

    Computed on the paper's scale, [-1, 1], as twice that of images in [0, 1], with ddof 1, which the paper leaves open
    (ddof 0 would give a factor sqrt(9 / 10) for ten images).

    Args:
        images: float (K, C, H, W) in [0, 1], K >= 2.

    Returns:
        0 where all images are equal, and hardly more than 1: half of the images black and half white.

    Raises:
        ValueError: another shape, or a single image.
    """
    if images.ndim != 4 or len(images) < 2:
        raise ValueError(f"images are {tuple(images.shape)}: give (K, C, H, W), at least two images of one mask")
    return 2 * float(images.double().std(dim=0, correction=1).mean())


def diversity(paint: Paint, labels: Iterable[Tensor], seed: int = 0, noises: int = NOISES) -> list[float]:
    """`pixel_deviation` for each mask; the diversity of a generator is the mean of them.

    Args:
        paint: paints one image, such as `bundle.inference.painting.SyntheticImageGenerator.paint`.
        labels: masks, int32 (1, H, W); sizes may differ.
        seed: image j of mask i depends on (seed, i, j) alone.
        noises: images of each mask, >= 2.
    """
    return [
        pixel_deviation(torch.stack([paint(label, generator(seed, place, number)) for number in range(noises)]))
        for place, label in enumerate(labels)
    ]
