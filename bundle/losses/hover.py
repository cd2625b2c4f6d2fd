# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Losses between a predicted and a true hover map: offsets, their gradients, Dice and cross-entropy on m.

Graham et al. 2019 (HoVer-Net), equations 3 to 6, with the paper's choices (arXiv 2308.09835): mean over elements, the
four terms weigh 1. The gradient loss takes d/dx of h and d/dy of v; a widely copied implementation swaps them.
Predictions hold tanh h, tanh v and the logit of m; true hover maps hold m in [0, 1]. All in float32, under AMP too.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import torch
from torch import Tensor, nn
from torch.nn import functional
from transforms.to_device import to_device

from .reduce import mean_per_crop

SOBEL_DIFFERENCE = (-1 / 8, -2 / 8, 0.0, 2 / 8, 1 / 8)  # the 5-tap pair of monai.transforms.SobelGradients:
SOBEL_SMOOTHING = (1 / 16, 4 / 16, 6 / 16, 4 / 16, 1 / 16)  # a ramp of slope 1 per px has gradient 1
DICE_SMOOTHING = 1e-5


def sobel_gradients(offsets: Tensor) -> Tensor:
    """d/dx of channel 0 (h) and d/dy of channel 1 (v), per px, by a 5 x 5 Sobel filter, borders reflected.

    Args:
        offsets: float (B, 2, H, W), H and W at least 3.

    Returns:
        float (B, 2, H, W)
    """
    kernels = sobel_kernels(offsets.device, offsets.dtype)
    return functional.conv2d(functional.pad(offsets, [2, 2, 2, 2], mode="reflect"), kernels, groups=2)


@cache
@torch.inference_mode(False)  # else a first call in that mode would keep a tensor that no training may use
def sobel_kernels(device: torch.device, dtype: torch.dtype) -> Tensor:
    """The filters of d/dx and d/dy, (2, 1, 5, 5); kept on every device that asked, so that no update waits for them."""
    difference, smoothing = torch.tensor(SOBEL_DIFFERENCE, dtype=dtype), torch.tensor(SOBEL_SMOOTHING, dtype=dtype)
    along_x = torch.outer(smoothing, difference)  # (5, 5), rows are y
    return to_device(torch.stack([along_x, along_x.T]).unsqueeze(1), device)


def offset_loss(prediction: Tensor, hover_map: Tensor, weight: Tensor | None = None) -> Tensor:
    """Mean squared error of h and v over all pixels: (B, 3, H, W) twice to a scalar."""
    error = (prediction[:, :2] - hover_map[:, :2]).square()  # (B, 2, H, W)
    return mean_per_crop(error, weight).mean()


def gradient_loss(prediction: Tensor, hover_map: Tensor, weight: Tensor | None = None) -> Tensor:
    """Squared error of d/dx of h and d/dy of v, mean over both and over the true nuclear pixels.

    A crop without nuclei contributes 0.
    """
    error = sobel_gradients(prediction[:, :2] - hover_map[:, :2]).square()  # (B, 2, H, W); the filter is linear
    nuclear = hover_map[:, 2:] if weight is None else hover_map[:, 2:] * weight  # (B, 1, H, W)
    return mean_per_crop(error, nuclear).mean()


def dice_loss(prediction: Tensor, hover_map: Tensor, weight: Tensor | None = None) -> Tensor:
    """1 - Dice of the foreground probability, per crop, smoothed by 1e-5: (B, 3, H, W) twice to a scalar."""
    probability, truth = torch.sigmoid(prediction[:, 2]), hover_map[:, 2]  # (B, H, W)
    counts = torch.ones_like(truth) if weight is None else weight[:, 0]
    shared = (counts * probability * truth).sum(dim=(1, 2))  # (B,)
    both = (counts * (probability + truth)).sum(dim=(1, 2))
    return (1 - (2 * shared + DICE_SMOOTHING) / (both + DICE_SMOOTHING)).mean()


def cross_entropy_loss(prediction: Tensor, hover_map: Tensor, weight: Tensor | None = None) -> Tensor:
    """Binary cross-entropy of the logit of m over all pixels: (B, 3, H, W) twice to a scalar."""
    logit, truth = prediction[:, 2:], hover_map[:, 2:]  # (B, 1, H, W)
    entropy = functional.binary_cross_entropy_with_logits(logit, truth, reduction="none")
    return mean_per_crop(entropy, weight).mean()


TERMS = {"offset": offset_loss, "gradient": gradient_loss, "dice": dice_loss, "cross_entropy": cross_entropy_loss}


class HoverLoss(nn.Module):
    """The four terms by name; their sum is the instance loss and the segmenter's loss alike.

    Args:
        weights: what a term is multiplied by, by name; a name not given weighs 1, as in the paper.

    Raises:
        ValueError: a weight names no term.
    """

    def __init__(self, weights: Mapping[str, float] | None = None) -> None:
        super().__init__()
        self.weights = dict.fromkeys(TERMS, 1.0) | dict(weights or {})
        if unknown := sorted(set(self.weights) - set(TERMS)):
            raise ValueError(f"weights name {unknown}, which are no terms; the terms are {sorted(TERMS)}")

    def forward(self, prediction: Tensor, hover_map: Tensor, weight: Tensor | None = None) -> dict[str, Tensor]:
        """Compare what F or N returned with a true hover map.

        Args:
            prediction: float (B, 3, H, W): tanh h, tanh v, logit of m.
            hover_map: float (B, 3, H, W): h, v in [-1, 1], m in {0, 1}.
            weight: float (B, 1, H, W), how much each pixel counts (0 where a pseudo-label is not to be trusted);
                None: all alike.

        Returns:
            scalars by name: offset, gradient, dice, cross_entropy.

        Raises:
            ValueError: when the shapes of prediction and hover map differ.
        """
        if prediction.shape != hover_map.shape:
            raise ValueError(
                f"prediction is {tuple(prediction.shape)}, hover map {tuple(hover_map.shape)}: give (B, 3, H, W) twice"
            )
        prediction, hover_map = prediction.float(), hover_map.float()
        return {name: self.weights[name] * term(prediction, hover_map, weight) for name, term in TERMS.items()}
