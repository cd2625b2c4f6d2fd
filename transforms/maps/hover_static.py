# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Hover maps in a training loop on a GPU: as `transforms.maps.hover`, but every size is known before a pixel is seen.

`hover_map` asks the device how many runs of pixels there are and waits for the answer. Here the caller tells an upper
bound of the ids instead, and every pixel counts by itself: the better way on a GPU, several times slower on a CPU.
"""

from __future__ import annotations

import torch

from .hover import as_label, scaled


def static_hover_map(label: torch.Tensor, largest_id: int) -> torch.Tensor:
    """Equal to `hover_map(label)`, without waiting for the device.

    Args:
        label: (B, 1, H, W), any integer type, 0 = background.
        largest_id: no id is larger than this. It is not checked, since that would be waiting.

    Returns:
        (B, 3, H, W) float32: h and v in [-1, 1], m in {0, 1}.

    Raises:
        TypeError, ValueError: as `hover_map`.
    """
    ids = as_label(label)[:, 0]  # (B, H, W)
    batch, height, width = ids.shape
    device, inside, objects = ids.device, ids > 0, batch * (largest_id + 1)

    # Every object has a bin of its own. So has every place of the background, else its pixels would queue for one bin.
    image = torch.arange(0, objects, largest_id + 1, device=device)[:, None, None]
    elsewhere = torch.arange(objects, objects + height * width, device=device).view(height, width)
    bins = torch.where(inside, image + ids, elsewhere).view(1, -1)  # (1, P)
    x, y = torch.arange(width, device=device).expand(height, -1), torch.arange(height, device=device)[:, None]
    place = torch.stack([x, y.expand(-1, width)])[:, None].expand(-1, batch, -1, -1).reshape(2, -1)  # (2, P)

    nothing = place.new_zeros(2, objects + height * width)
    area = nothing[:1].scatter_add(1, bins, torch.ones_like(bins)).clamp(min=1)
    centre = nothing.scatter_add(1, bins.expand(2, -1), place).double() / area
    last = nothing.scatter_reduce(1, bins.expand(2, -1), place, "amax")
    first = (nothing + max(height, width)).scatter_reduce(1, bins.expand(2, -1), place, "amin")

    offsets = scaled(place, *(bound[:, bins[0]] for bound in (first, centre, last)))  # (2, P)
    offsets = torch.where(inside, offsets.view(2, *ids.shape), 0.0)
    return torch.cat([offsets, inside[None]]).movedim(0, 1).contiguous()
