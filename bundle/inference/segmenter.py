# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The whole way from an image to instances: model spacing, windows, a map, instances, and back to the image's size.

The network sees one fixed grid of overlapping windows whose predictions are blended, so an image may be of any size.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from monai.inferers import Inferer, SlidingWindowInferer
from torch import Tensor, nn
from transforms.instances.hover_to_label import raster_ids
from transforms.resample import resample_image, working_size

from ..networks.memory import keep_freed_memory
from .outline import resample_outlines
from .outputs import HoverOutput, Output
from .outside import without_black
from .test_time_augmentation import IDENTITY, Symmetry

logger = logging.getLogger(__name__)

WINDOW = (256, 256)  # px at the model's spacing


def windows(size: tuple[int, int] = WINDOW, overlap: float = 0.25, batch: int = 4) -> SlidingWindowInferer:
    """The default inferer: a grid of windows, Gaussian weights, borders continued by reflection.

    Args:
        size: height and width of a window in px; as large as memory allows saves time, near the training crops suits
            networks whose norm takes statistics over pixels.
        overlap: share of a window that the next one sees again.
        batch: windows that go through the network at once.
    """
    return SlidingWindowInferer(size, batch, overlap, mode="gaussian", padding_mode="reflect")


def warn_unknown_spacing(path: str | os.PathLike[str], model_mpp: float) -> None:
    """Say of an image whose spacing nobody knows what it is taken for: objects of another size are found badly."""
    logger.warning("%s: um per px unknown; taken for the model's %g, areas in um2 are left empty", path, model_mpp)


class Segmentation(NamedTuple):
    """What was found, at the image's own size."""

    label: Tensor  # int32 (1, H, W), ids 1..n in raster order, 0 = background
    probability: Tensor  # float32 (1, H, W), foreground, in [0, 1]


def at_size(seen: Tensor, size: tuple[int, int], to_label: Callable[[Tensor], Tensor], output: Output) -> Segmentation:
    """What a map (3, h, w) says of an image of another size (H, W); arguments as `Segmenter`'s."""
    probability = resample_image(output.foreground(seen).cpu(), size).clamp(0, 1)  # (1, H, W)
    label = resample_outlines(to_label(seen).cpu(), probability, output.threshold, output.outline_px)
    return Segmentation(torch.from_numpy(raster_ids(label[0].numpy()))[None], probability)


class Segmenter:
    """Segment images of any size and spacing with a trained network.

    Args:
        network: (B, C, H, W) in [0, 1] to (B, 3, H, W); it is put into evaluation mode.
        mpp: um per px that the network was trained at.
        channels: C that the network takes, 1 or 3.
        inferer: runs the network over an image; `windows()` by default.
        to_label: map (3, H, W), as `output` reads it, to label (1, H, W); by default the one that belongs to `output`.
        augmentation: symmetries whose predictions are averaged, IDENTITY, FLIPS or EIGHT_FOLD of
            `test_time_augmentation`; time grows with their number.
        device: where the network computes; by default where its weights are.
        output: what the network's three channels mean; by default tanh h, tanh v and the logit of m.
        intensity: stored intensities of 16-bit files that became 0 and 1 in training; it looks at no file itself.
        diameter: typical object that the network was trained for, um; None: unknown.
    """

    def __init__(
        self,
        network: nn.Module,
        mpp: float,
        channels: int = 3,
        inferer: Inferer | None = None,
        to_label: Callable[[Tensor], Tensor] | None = None,
        augmentation: Sequence[Symmetry] = IDENTITY,
        device: torch.device | str | None = None,
        output: Output | None = None,
        intensity: tuple[float, float] | None = None,
        diameter: float | None = None,
    ) -> None:
        if not augmentation:
            raise ValueError("augmentation is empty: give test_time_augmentation.IDENTITY for none")
        keep_freed_memory()
        self.device = torch.device(device) if device is not None else _device_of(network)
        layout = torch.channels_last  # a CPU convolves faster in it
        self.network = network.to(self.device, memory_format=layout).eval()  # type: ignore[call-overload]
        self.mpp, self.channels, self.intensity, self.diameter = mpp, channels, intensity, diameter
        self.inferer = inferer or windows()
        self.output: Output = output or HoverOutput(mpp)
        self.to_label = to_label or self.output.labeller()
        self.augmentation = tuple(augmentation)

    def __call__(self, image: Tensor, mpp: float | None = None) -> Segmentation:
        """Segment one image.

        Args:
            image: float32 (C, H, W) in [0, 1].
            mpp: its um per px; None, unknown, takes it for the model's.

        Returns:
            Label and foreground probability at the image's size, on the CPU.

        Raises:
            ValueError: the image has other channels than the model takes, or no pixels; mpp is not positive.
        """
        self._check(image)
        own = (image.shape[1], image.shape[2])
        seen = self.hover_map(resample_image(image, working_size(own, mpp, self.mpp)))  # (3, h, w)
        return at_size(seen, own, self.to_label, self.output)

    @torch.inference_mode()
    def hover_map(self, image: Tensor) -> Tensor:
        """Hover map (3, H, W) of an image (C, H, W) at the model's spacing: h, v in [-1, 1], m in [0, 1].

        Of a network with another output it is the map that this one reads, such as class probabilities.
        """
        image = image.to(self.device)[None]  # (1, C, H, W)
        total = torch.zeros(3, *image.shape[2:], device=self.device)
        for symmetry in self.augmentation:
            shown = pad_to(symmetry.image(image), self._smallest())
            seen = self.inferer(shown, self.seen)  # (1, 3, H', W')
            height, width = symmetry.image(image).shape[2:]
            total += self.output.undo(symmetry, seen[0, :, :height, :width])
        return total / len(self.augmentation)

    def seen(self, images: Tensor) -> Tensor:
        """What the network sees in images (B, C, h, w): maps (B, 3, h, w), 0 where they are filled with black."""
        return without_black(self.output.activated(self.network(images).float()), images)

    def _smallest(self) -> tuple[int, int]:
        size = getattr(self.inferer, "roi_size", (1, 1))
        return (size, size) if isinstance(size, int) else (size[0], size[1])

    def _check(self, image: Tensor) -> None:
        if image.ndim != 3 or image.shape[0] != self.channels or not image.numel():
            raise ValueError(
                f"image has shape {tuple(image.shape)}, but the model takes ({self.channels}, H, W):"
                " convert the image, or use a model that was trained on images of its kind"
            )


def pad_to(image: Tensor, smallest: tuple[int, int]) -> Tensor:
    """Continue an image (..., H, W) by reflection at the right and the bottom until it is `smallest` high and wide.

    Unlike torch's, it reflects as often as needed, so that an image of one px can be padded too.
    """
    for axis, length in ((-2, smallest[0]), (-1, smallest[1])):
        have = image.shape[axis]
        if have < length:
            period = max(2 * (have - 1), 1)
            place = torch.arange(length, device=image.device) % period
            image = image.index_select(axis, torch.where(place < have, place, period - place))
    return image


def _device_of(network: nn.Module) -> torch.device:
    weight = next(network.parameters(), None)
    return torch.device("cpu") if weight is None else weight.device
