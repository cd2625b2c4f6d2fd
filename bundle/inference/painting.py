# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Stage 2: synthetic pairs. Fresh ellipses around an image's points, painted by G: an image whose label is known."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm
from transforms.maps.hover import hover_map
from transforms.random_streams import generator as counter_based
from transforms.shapes.draw import draw_label
from transforms.shapes.ellipses import EllipseSampler

from ..data.paired_training_images import PairedTrainingImage
from ..files.points_csv import write_points
from ..files.writers import write_image, write_label
from ..networks.resnet import ResNetGenerator
from ..networks.spade import SPADEGenerator
from ..networks.unet_generator import UNetGenerator
from .model import load_network

logger = logging.getLogger(__name__)

ImageGenerator = SPADEGenerator | ResNetGenerator | UNetGenerator
MASK, NOISE = 1, 2  # last keys of the draws


class Paintable(Protocol):
    """What is painted: points in an image of some size, the shapes around them, the style of the image."""

    @property
    def name(self) -> str:
        """Base name of the image."""

    @property
    def points(self) -> Tensor:
        """float32 (N, 2), x and y in px."""

    @property
    def size(self) -> tuple[int, int]:
        """(height, width), px."""

    @property
    def sampler(self) -> EllipseSampler:
        """Points to shapes of the whole image."""

    @property
    def style(self) -> Tensor:
        """float32 (2 C,), see `transforms.maps.style`; only a generator with style channels looks at it."""


class SyntheticImageGenerator:
    """Paints whole images with a trained generator.

    Args:
        network: G, (hover map (B, 3, H, W), noise) to image in [0, 1], put into evaluation mode.
        device: where it computes.
        seed: pair number i of an image depends on (seed, the image's place in the list, i) alone.
    """

    def __init__(self, network: ImageGenerator, device: torch.device | str = "cpu", seed: int = 0) -> None:
        self.network, self.device, self.seed = network.to(device).eval(), torch.device(device), seed
        self.tissue_reach = int(getattr(network, "tissue_reach", 0))  # px; above 0 it paints into real tissue

    @torch.inference_mode()
    def paint(
        self,
        label: Tensor,
        generator: torch.Generator | None = None,
        style: Tensor | None = None,
        tissue: Tensor | None = None,
    ) -> Tensor:
        """Paint one image.

        Args:
            label: int32 (1, H, W).
            generator: of the noise; None draws from the global state.
            style: float32 (2 C,), how the image is to look; needed by a generator with style channels.
            tissue: float32 (C + 1, H, W), see `transforms.maps.tissue`; needed by a generator that paints into it.

        Returns:
            float32 (C, H, W) in [0, 1], on the CPU.
        """
        condition = hover_map(label.to(self.device))[None]  # (1, 3, H, W)
        if tissue is not None:
            condition = torch.cat([condition, tissue[None].to(self.device)], 1)
        generators = None if generator is None else [generator]
        return self.paint_maps(condition, generators, None if style is None else style[None])[0].cpu()

    @torch.inference_mode()
    def paint_maps(
        self, condition: Tensor, generators: Sequence[torch.Generator] | None = None, styles: Tensor | None = None
    ) -> Tensor:
        """Paint a batch of hover maps.

        Args:
            condition: (B, 3, H, W), on the generator's device.
            generators: of the noise, one for each; None draws from the global state.
            styles: float32 (B, 2 C), needed by a generator with style channels, which alone looks at them.

        Returns:
            float32 (B, C, H, W) in [0, 1], on the generator's device.
        """
        noise = self.network.noise.sample(len(condition), condition.shape[2:], generators, self.device, styles)
        return self.network(condition, noise).float().clamp(0, 1)

    def write_pairs(
        self, training_images: Iterable[Paintable], output_dir: str | Path, mpp: float, pairs: int = 1
    ) -> None:
        """Write synthetic pairs as a data folder: images/NAME_i.tif, labels/NAME_i.tif, points/NAME_i.csv.

        Pairs that are there already are left as they are, so that a cut run goes on.

        Args:
            training_images: what to paint: real images with their points, or `SyntheticPointImages`.
            output_dir: the folder.
            mpp: um per px of the training images, for the files' tags.
            pairs: how many for each training image, each with other ellipses and other noise.
        """
        folder = Path(output_dir)
        for part in ("images", "labels", "points"):
            (folder / part).mkdir(parents=True, exist_ok=True)
        numbered = [
            (place, training_image, number)
            for place, training_image in enumerate(training_images)
            for number in range(pairs)
        ]
        for place, training_image, number in tqdm(numbered, unit="pair", disable=None):
            name = f"{training_image.name}_{number:03d}"
            if (folder / "images" / f"{name}.tif").is_file():
                continue
            ellipses = training_image.sampler(training_image.points, counter_based(self.seed, place, number, MASK))
            label = draw_label(ellipses, training_image.size)
            tissue = self._tissue(training_image, label)
            image = self.paint(label, counter_based(self.seed, place, number, NOISE), training_image.style, tissue)
            write_points(folder / "points" / f"{name}.csv", training_image.points)
            write_label(folder / "labels" / f"{name}.tif", label, mpp)
            write_image(folder / "images" / f"{name}.tif", as_bytes(image), mpp)  # last: it marks the pair as whole
        logger.info("%d synthetic pairs in %s", len(numbered), folder)

    def _tissue(self, training_image: Paintable, label: Tensor) -> Tensor | None:
        """What a generator that paints into real tissue keeps of an image, None for others."""
        if not self.tissue_reach or not isinstance(training_image, PairedTrainingImage):
            return None
        return training_image.tissue(label, self.tissue_reach)


def load_image_generator(
    weights: str | Path, device: torch.device | str = "cpu", seed: int = 0
) -> SyntheticImageGenerator:
    """A painter of synthetic images from the weights of a trained generator and the description beside them.

    Args:
        weights: such as `generator.pt` in the folder of stage 1.
        device: where it computes.
        seed: as `SyntheticImageGenerator` takes it.

    Raises:
        FileNotFoundError: weights or description are not there.
        ValueError: they are damaged, or those of another kind of network.
    """
    network = load_network(weights).network
    if not isinstance(network, ImageGenerator):
        raise ValueError(f"{weights} holds a {type(network).__name__}: name the generator that stage 1 wrote")
    return SyntheticImageGenerator(network, device, seed)


def as_bytes(image: Tensor) -> np.ndarray:
    """Image float (C, H, W) in [0, 1] to uint8 (C, H, W), rounded."""
    return (image * 255 + 0.5).to(torch.uint8).numpy()
