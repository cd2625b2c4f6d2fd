# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""How long an image takes from pixels to instances, network and post-processing, beside MONAI's HoVerNet, on one core.

Weights do not matter for a network's time, so they are fresh; post-processing sees a map as trained networks return it.
"""

from __future__ import annotations

import logging
from functools import partial
from typing import Any

import torch
from bundle.inference.segmenter import Segmenter
from bundle.networks.compact import Compact
from bundle.networks.hovernet import HoverNet
from monai.apps.pathology.inferers import SlidingWindowHoVerNetInferer
from monai.networks.nets import HoVerNet as MonaiHoVerNet
from scripts.benchmarks.labels import DENSITY, generated_label, monai_label, one_thread, predicted, seconds
from torch import Tensor, nn
from transforms.instances.hover_to_label import hover_to_label

logger = logging.getLogger(__name__)

WINDOW, SEEN = 256, 164  # px: what MONAI's HoVerNet takes and what it returns


def networks(size: int = 1000) -> None:
    """Time `compact`, `hovernet` and MONAI's HoVerNet over one image, each with its own windows and post-processing.

    Args:
        size: side of the image, px.
    """
    image = torch.rand(3, size, size, generator=torch.Generator().manual_seed(0))
    seen = predicted(generated_label(round(DENSITY * size**2), size), 0.1)
    for name, network in (("compact", Compact()), ("hovernet, width 0.5", HoverNet()), ("hovernet", HoverNet(width=1))):
        segmenter = Segmenter(network, mpp=1.0)
        with one_thread():
            times = seconds(partial(segmenter.hover_map, image)), seconds(partial(hover_to_label, seen))
        log_times(name, network, size, times)
    theirs = MonaiHoVerNet().eval()
    with one_thread():
        times = seconds(partial(monai_maps, theirs, image)), seconds(partial(monai_label, seen))
    log_times("MONAI's HoVerNet", theirs, size, times)


@torch.inference_mode()
def monai_maps(network: nn.Module, image: Tensor) -> Any:
    """What MONAI's HoVerNet makes of an image (3, H, W), window by window, as MONAI's own bundle runs it."""
    margin = (WINDOW - SEEN) // 2
    padding: Any = (margin,) * 4
    inferer = SlidingWindowHoVerNetInferer(WINDOW, 4, 1 - SEEN / WINDOW, extra_input_padding=padding)
    return inferer(image[None], network)


def log_times(name: str, network: nn.Module, size: int, times: tuple[float, float]) -> None:
    """Log the times of network and post-processing, s."""
    weights = sum(parameter.numel() for parameter in network.parameters()) / 1e6
    logger.info(
        "%s (%.1f M parameters), %d x %d px: network %.2f s, post-processing %.3f s, together %.2f s",
        *(name, weights, size, size, *times, sum(times)),
    )
