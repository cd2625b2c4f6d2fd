# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""What several networks share: value ranges, padding to a stride, and the norms that a config names.

Networks take images in [0, 1] and scale them themselves. F and N return tanh h, tanh v and the logit of m.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional


def scale_image(image: Tensor) -> Tensor:
    """Image from [0, 1] to [-1, 1], the range that networks work in."""
    return image * 2 - 1


def as_prediction(features: Tensor) -> Tensor:
    """Three linear channels (B, 3, H, W) to what F and N return: tanh h, tanh v, logit of m."""
    return torch.cat([torch.tanh(features[:, :2]), features[:, 2:]], dim=1)  # (B, 3, H, W)


def activate_hover_map(prediction: Tensor) -> Tensor:
    """What F or N returned, (B, 3, H, W) with a logit of m, to a hover map with m in [0, 1].

    G and D_S take hover maps, so every prediction passes through here before it reaches them.
    """
    return torch.cat([prediction[:, :2], torch.sigmoid(prediction[:, 2:])], dim=1)  # (B, 3, H, W)


def padded_length(length: int, multiple: int, minimum: int) -> int:
    """The smallest multiple of `multiple` that is at least `length` and at least `minimum`, px."""
    return max((length + multiple - 1) // multiple * multiple, minimum)


def pad_to_multiple(image: Tensor, multiple: int, minimum: int) -> Tensor:
    """Pad (B, C, H, W) at the bottom and the right so that both sides divide by `multiple` and reach `minimum`.

    By reflection where the image is large enough for it, else by repeating the last row and column.
    """
    height, width = int(image.shape[2]), int(image.shape[3])
    down = padded_length(height, multiple, minimum) - height
    right = padded_length(width, multiple, minimum) - width
    mode = "reflect" if down < height and right < width else "replicate"
    return functional.pad(image, [0, right, 0, down], mode=mode)


class PixelNorm(nn.Module):
    """Layer norm over the channels of each pixel: no statistic crosses pixels, samples or batches.

    Train and inference therefore compute the same thing, whatever the crop or the batch holds.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.shape = [channels]
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, H, W) to the same shape; cheapest in channels_last."""
        pixels = features.permute(0, 2, 3, 1)  # (B, H, W, C)
        return functional.layer_norm(pixels, self.shape, self.weight, self.bias, 1e-5).permute(0, 3, 1, 2)


def instance_norm(channels: int) -> nn.Module:
    """Per sample and channel, over the pixels, with learned scale and shift."""
    return nn.InstanceNorm2d(channels, affine=True)


def group_norm(channels: int) -> nn.Module:
    """Per sample, over the pixels and groups of channels: 16 groups, fewer where 16 does not divide the channels."""
    return nn.GroupNorm(math.gcd(channels, 16), channels)


def no_norm(channels: int) -> nn.Module:
    """Nothing: the residual branches start at zero, so the network is well conditioned without."""
    return nn.Identity()


NORMS: dict[str, Callable[[int], nn.Module]] = {
    "batch": nn.BatchNorm2d,
    "layer": PixelNorm,
    "instance": instance_norm,
    "group": group_norm,
    "none": no_norm,
}


def make_norm(name: str, channels: int) -> nn.Module:
    """The norm that a config names, for `channels` channels.

    Args:
        name: one of "batch" (constants at inference), "layer" (over each pixel's channels), "instance", "group"
            (over the pixels of one sample) or "none".
        channels: of the features to be normed.

    Raises:
        ValueError: for another name.
    """
    if name not in NORMS:
        raise ValueError(f"norm is {name!r}; choose one of {', '.join(NORMS)}")
    return NORMS[name](channels)
