# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The style of an image as a few numbers: how its stain and its light differ from other images', whatever it shows.

A generator that is told the style need not guess it from noise, and paints in the style that it is asked for.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ..augment import Batch


def image_style(image: Tensor) -> Tensor:
    """Mean and standard deviation of each channel, on the scale [-1, 1]: the statistics of Huang and Belongie 2017.

    Args:
        image: float (B, C, H, W) in [0, 1].

    Returns:
        float32 (B, 2 C): means in [-1, 1], then standard deviations in [0, 1] (ddof 0); differentiable.
    """
    pixels = image.float().flatten(2) * 2 - 1  # (B, C, H W)
    variance = pixels.var(dim=2, correction=0)
    return torch.cat([pixels.mean(dim=2), torch.sqrt(variance + 1e-8)], dim=1)


class StyleCode:
    """Step of a training stream that adds each crop's own style to the batch, as "style"."""

    def __call__(self, batch: Batch, generators: Sequence[torch.Generator]) -> Batch:
        """The batch with style (B, 2 C)."""
        return batch | {"style": image_style(batch["image"])}
