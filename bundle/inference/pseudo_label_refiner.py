# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Labels of real training images: what a network finds on them, corrected by their colours, split by their points.

A network that has seen ellipses, or synthetic images, knows roughly where nuclei end; an image's own colours know it
better; the points know how many there are. Together they label the images that the segmenter will meet.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from transforms.instances.seeds import contacts, seed_pixels, seed_points
from transforms.instances.split_by_points import split_by_points
from transforms.pseudo_labels.colour_evidence import colour_posterior
from transforms.pseudo_labels.star_shapes import star_shaped

from ..data.training_images import PointedImage
from .pseudo_labels import PseudoLabeller
from .segmenter import Segmenter

ReferenceLabeller = Callable[
    [Tensor, Tensor, float], tuple[Tensor, Tensor]
]  # image, points, diameter in px: label, weight


class PseudoLabelRefiner(PseudoLabeller):
    """Labels real images by what a segmenter finds on them, their colours and their points.

    Args:
        segmenter: finds the hover map at the model's spacing.
        max_radius: how far from its point an object may reach, um.
        core: how far around a point the colours are those of an object, um; see `colour_posterior`.
        diameter: typical diameter of an object, um, that both lengths belong to; they are larger, as is an image's own
            diameter, in an image that has one.
        reference_labeller: another way to label an image, such as `voronoi_label`; where the two do not say alike
            whether a pixel is part of an object, it does not count, see `agreement_mask`. None: all pixels count.
        outline_smoothing: standard deviation, um, of the Gaussian that smooths the outlines; see `smooth_outlines`.
        star_shapes: whether objects in doubt are drawn anew as star-shaped ones; see `star_shaped`.
    """

    def __init__(
        self,
        segmenter: Segmenter,
        max_radius: float = 10.0,
        core: float = 1.0,
        diameter: float = 6.0,
        reference_labeller: ReferenceLabeller | None = None,
        outline_smoothing: float = 0.0,
        star_shapes: bool = False,
    ) -> None:
        super().__init__(segmenter.mpp, diameter, segmenter.channels)
        self.outline_smoothing, self.star_shapes = outline_smoothing, star_shapes
        self.segmenter, self.max_radius, self.core, self.reference_labeller = (
            segmenter,
            max_radius,
            core,
            reference_labeller,
        )

    def label(self, name: str, size: tuple[int, int], pointed: PointedImage) -> tuple[Tensor, Tensor | None]:
        """As `PseudoLabeller.label`."""
        image, points = pointed.image, pointed.points
        unit = pointed.diameter / self.diameter  # px per um of an object of usual size
        found = self.segmenter.hover_map(image).cpu()  # (3, H, W)
        foreground = colour_posterior(image, found[2:], points, self.core * unit)
        evidence = torch.cat([found[:2], foreground])
        label = split_by_points(evidence, points, max_radius=self.max_radius * unit)
        if self.star_shapes:
            label = star_shaped(label, foreground, points)
        if self.reference_labeller is None:
            return label, None
        other, _ = self.reference_labeller(image, points, pointed.diameter)
        return agreement_mask(label, other, points)


def agreement_mask(label: Tensor, other: Tensor, points: Tensor) -> tuple[Tensor, Tensor]:
    """What two ways to label an image have in common, with gaps between objects that touch.

    Args:
        label: int32 (1, H, W) on the CPU.
        other: the same by a reference_labeller; only whether a pixel is part of an object matters.
        points: (N, 2), x and y in px; their pixels stay objects.

    Returns:
        The label where both see an object, less the last pixels before another object, else 0; and weight, float32 (1,
        H, W): 1 where both think alike and in the gaps, 0 where the label is in doubt.
    """
    ids = label[0].numpy()
    seeds = seed_pixels(seed_points(points, ids.shape))
    gap, alike = contacts(ids) > 0, (ids > 0) == (other[0].numpy() > 0)
    gap[seeds] = False
    kept = alike & ~gap
    kept[seeds] = True
    return torch.from_numpy(np.where(kept, ids, 0))[None], torch.from_numpy(alike | gap)[None].float()
