# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The one way losses are averaged: a mean per crop (of the pixels that count), then over crops (METHOD section 5)."""

from __future__ import annotations

from torch import Tensor


def mean_per_crop(values: Tensor, weight: Tensor | None = None) -> Tensor:
    """Mean over everything but the batch axis: (B, C, H, W) to (B,).

    Args:
        values: float (B, C, H, W).
        weight: float (B, 1, H, W) >= 0, how much each pixel counts; None: all alike. A crop of weight 0 gives 0.
    """
    if weight is None:
        return values.flatten(1).mean(dim=1)
    total = weight.flatten(1).sum(dim=1) * values.shape[1]  # (B,)
    return (values * weight).flatten(1).sum(dim=1) / total.where(total > 0, total.new_ones(()))
