# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Real tissue with its nuclei erased: where a generator paints new ones, and what it paints them into."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from ..augment import Batch


def tissue_around(image: Tensor, objects: Tensor, reach: int) -> Tensor:
    """What is left of images beside some objects.

    Args:
        image: float (B, C, H, W) in [0, 1].
        objects: bool (B, 1, H, W).
        reach: px that are erased around the objects, too: their rims belong to them.

    Returns:
        float (B, C + 1, H, W): the image, 0 where it is erased, and where it is erased, in {0, 1}.
    """
    erased = functional.max_pool2d(objects.float(), 2 * reach + 1, stride=1, padding=reach)  # (B, 1, H, W)
    return torch.cat([image * (1 - erased), erased], dim=1)


class AddTissue:
    """Step of a training stream that adds to each crop its tissue around known and drawn objects, as "tissue".

    Args:
        reach: px that are erased around each object, as `tissue_around` takes it.
    """

    def __init__(self, reach: int) -> None:
        self.reach = reach

    def __call__(self, batch: Batch, generators: Sequence[torch.Generator]) -> Batch:
        """The batch with tissue (B, C + 1, H, W)."""
        objects = (batch["label"] > 0) | (batch["known_label"] > 0)
        return batch | {"tissue": tissue_around(batch["image"], objects, self.reach)}
