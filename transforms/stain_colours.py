# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Stains as other laboratories have them: other colours, other amounts, or none at all. For batches of RGB images."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from .augment import TO_YIQ, Batch, Generators, check_rgb, draw_normal, draw_uniform, mix_channels, stain_vectors


class StainColourJitter:
    """Vary the colour of haematoxylin and eosin, and how much of each a pixel holds, in its optical density.

    As `StainJitter`, which varies amounts alone: each stain's amount c becomes alpha c + beta, with alpha log-uniform,
    and is then shown in a colour near the stain's own. What the two stains do not explain stays.

    Args:
        colour: standard deviation of each component of a stain's unit vector.
        strength: alpha is drawn from [1 / (1 + strength), 1 + strength] for each stain.
        offset: beta is drawn from [-offset, offset) for each stain, optical density.
    """

    def __init__(self, colour: float = 0.1, strength: float = 0.6, offset: float = 0.05) -> None:
        self.colour, self.strength, self.offset = colour, strength, offset

    def __call__(self, batch: Batch, generators: Generators) -> Batch:
        """The batch with its image changed."""
        image = batch["image"]
        check_rgb(image, self)
        stains, from_density = stain_vectors(image.device)  # (3 stains, 3 colours) and its inverse
        changes = draw_uniform(generators, (2, 2, 1, 1), -1, 1, image.device)  # (B, alpha or beta, stain, 1, 1)
        amounts = mix_channels(-torch.log(image.clamp(min=1 / 255)), from_density.T.expand(len(image), -1, -1))
        varied = amounts[:, :2] * (1 + self.strength) ** changes[:, 0] + self.offset * changes[:, 1]
        shown = self._colours(stains, draw_normal(generators, (2, 3), image.device))  # (B, stain, colour)
        density = mix_channels(torch.cat([varied, amounts[:, 2:]], dim=1), shown.transpose(1, 2))
        return batch | {"image": torch.exp(-density).clamp(0, 1)}

    def _colours(self, stains: Tensor, noise: Tensor) -> Tensor:
        """Unit vectors (B, 3 stains, 3 colours) near the stains' own, from standard normal noise (B, 2, 3)."""
        near = functional.normalize((stains[:2] + self.colour * noise).clamp(min=0.01), dim=2)
        return torch.cat([near, stains[2:].expand(len(noise), -1, -1)], dim=1)


class RandGrey:
    """Show a part of the samples as their grey counterparts (luma in all three channels): form without colour.

    Args:
        probability: of showing a sample so.
    """

    def __init__(self, probability: float = 0.1) -> None:
        self.probability = probability

    def __call__(self, batch: Batch, generators: Generators) -> Batch:
        """The batch with its image changed."""
        image = batch["image"]
        check_rgb(image, self)
        chosen = draw_uniform(generators, (1, 1, 1), 0, 1, image.device) < self.probability  # (B, 1, 1, 1)
        red, green, blue = TO_YIQ[0]
        luma = red * image[:, :1] + green * image[:, 1:2] + blue * image[:, 2:]  # (B, 1, H, W)
        return batch | {"image": torch.where(chosen, luma, image)}
