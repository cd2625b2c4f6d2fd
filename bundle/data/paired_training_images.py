# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Real images with their points and, beside the masks that are drawn around these, a known label of each image.

With the label stage 1 has pairs to learn from: G rebuilds the image, and F finds the label. Where labels come from is
a choice of who writes them, such as `bundle.inference.pseudo_label_refiner.PseudoLabelRefiner`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.utils.data import Dataset
from transforms.maps.tissue import tissue_around
from transforms.shapes.ellipses import EllipseSampler

from .crops import EllipseCrop, LabelCrop
from .streams import Batch
from .training_images import EllipseTrainingImage, LabelledTrainingImage


@dataclass(frozen=True)
class PairedCrop:
    """A window of an image with its known label, and with a mask that is to be drawn around its points."""

    drawn: EllipseCrop
    known: LabelCrop

    @property
    def largest_id(self) -> int:
        """No id of either label is larger."""
        return max(self.drawn.largest_id, self.known.largest_id)

    @staticmethod
    def stack(crops: Sequence[PairedCrop]) -> Batch:
        """As `EllipseCrop.stack`, with known_label (B, 1, h, w) int32 and known_weight (B, 1, h, w)."""
        known = LabelCrop.stack([crop.known for crop in crops])
        weight = known.get("weight", torch.ones_like(known["image"][:, :1]))
        batch = EllipseCrop.stack([crop.drawn for crop in crops])
        return batch | {"known_label": known["label"], "known_weight": weight}


@dataclass(frozen=True)
class PairedTrainingImage:
    """An image with its points, and the same image with a label.

    Attributes:
        drawn: with masks drawn anew at every use.
        known: with the label.
    """

    drawn: EllipseTrainingImage
    known: LabelledTrainingImage

    @property
    def name(self) -> str:
        """Base name of the image."""
        return self.drawn.name

    @property
    def points(self) -> Tensor:
        """As of `EllipseTrainingImage`."""
        return self.drawn.points

    @property
    def sampler(self) -> EllipseSampler:
        """As of `EllipseTrainingImage`."""
        return self.drawn.sampler

    @property
    def size(self) -> tuple[int, int]:
        """(height, width), px."""
        return self.drawn.size

    @property
    def share(self) -> float:
        """How often it is drawn, beside the others."""
        return self.drawn.share

    @property
    def style(self) -> Tensor:
        """As of `EllipseTrainingImage`."""
        return self.drawn.style

    def tissue(self, label: Tensor, reach: int) -> Tensor:
        """What is left of the image, (C + 1, H, W), where the known label's objects and another label's are erased."""
        objects = (label.to(self.known.label.device) > 0) | (self.known.label > 0)
        return tissue_around(self.known.image[None], objects[None], reach)[0]

    def crop(self, origin: tuple[int, int], size: tuple[int, int], generator: torch.Generator) -> PairedCrop:
        """The window whose top-left pixel is `origin` = (x, y)."""
        return PairedCrop(self.drawn.crop(origin, size, generator), self.known.crop(origin, size, generator))


class PairedTrainingImages(Dataset[PairedTrainingImage]):
    """The images of two data sets, one with points and one with labels, image by image.

    Args:
        drawn: the images with points.
        known: the same images, in the same order, with labels.

    Raises:
        ValueError: the two are not of the same images.
    """

    def __init__(self, drawn: Sequence[EllipseTrainingImage], known: Sequence[LabelledTrainingImage]) -> None:
        pairs = [(drawn[index], known[index]) for index in range(min(len(drawn), len(known)))]
        different = [own.name for own, other in pairs if own.name != other.name or own.size != other.size]
        if different or len(drawn) != len(known):
            which = different[0] if different else f"{len(drawn)} images and {len(known)} labels"
            raise ValueError(f"images with points and with labels are not the same ones: {which}")
        self.training_images = [PairedTrainingImage(own, other) for own, other in pairs]

    def __len__(self) -> int:
        return len(self.training_images)

    def __getitem__(self, index: int) -> PairedTrainingImage:
        return self.training_images[index]
