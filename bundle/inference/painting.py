# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Stage 2: synthetic pairs. Fresh ellipses around an image's points, painted by G: an image whose label is known."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from transforms.draw import draw_label
from transforms.hover import hover_map
from transforms.random import generator as counter_based

from ..data.files import write_image, write_label
from ..data.points_csv import write_points
from ..data.scenes import EllipseScene
from ..networks.resnet import ResNetGenerator
from ..networks.spade import SPADEGenerator

logger = logging.getLogger(__name__)

ImageGenerator = SPADEGenerator | ResNetGenerator
MASK, NOISE = 1, 2  # last keys of the draws


class Painter:
    """Paints whole images with a trained generator.

    Args:
        network: G, (hover map (B, 3, H, W), noise) to image in [0, 1], put into evaluation mode.
        device: where it computes.
        seed: pair number i of an image depends on (seed, the image's place in the list, i) alone.
    """

    def __init__(self, network: ImageGenerator, device: torch.device | str = "cpu", seed: int = 0) -> None:
        self.network, self.device, self.seed = network.to(device).eval(), torch.device(device), seed

    @torch.inference_mode()
    def paint(self, label: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """An image float32 (C, H, W) in [0, 1], on the CPU, for a label (1, H, W)."""
        condition = hover_map(label.to(self.device))[None]  # (1, 3, H, W)
        generators = None if generator is None else [generator]
        noise = self.network.noise.sample(1, condition.shape[2:], generators, self.device)
        return self.network(condition, noise)[0].float().clamp(0, 1).cpu()

    def write_pairs(self, scenes: Iterable[EllipseScene], output_dir: str | Path, mpp: float, pairs: int = 1) -> None:
        """Write synthetic pairs as a data folder: images/NAME_i.tif, labels/NAME_i.tif, points/NAME_i.csv.

        Pairs that are there already are left as they are, so that a cut run goes on.

        Args:
            scenes: real images with their points; only the points and the size are used.
            output_dir: the folder.
            mpp: um per px of the scenes, for the files' tags.
            pairs: how many for each scene, each with other ellipses and other noise.
        """
        folder = Path(output_dir)
        for part in ("images", "labels", "points"):
            (folder / part).mkdir(parents=True, exist_ok=True)
        numbered = [(place, scene, number) for place, scene in enumerate(scenes) for number in range(pairs)]
        for place, scene, number in tqdm(numbered, unit="pair", disable=None):
            name = f"{scene.name}_{number:03d}"
            if (folder / "images" / f"{name}.tif").is_file():
                continue
            ellipses = scene.sampler(scene.points, counter_based(self.seed, place, number, MASK))
            label = draw_label(ellipses, scene.size)
            image = self.paint(label, counter_based(self.seed, place, number, NOISE))
            write_points(folder / "points" / f"{name}.csv", scene.points)
            write_label(folder / "labels" / f"{name}.tif", label, mpp)
            write_image(folder / "images" / f"{name}.tif", as_bytes(image), mpp)  # last: it marks the pair as whole
        logger.info("%d synthetic pairs in %s", len(numbered), folder)


def as_bytes(image: Tensor) -> np.ndarray:
    """Image float (C, H, W) in [0, 1] to uint8 (C, H, W), rounded."""
    return (image * 255 + 0.5).to(torch.uint8).numpy()
