# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The ResNet generators of the plain CycleGAN, the baseline: nine residual blocks at 1/4 resolution (Zhu et al. 2017).

One body, two faces: hover map to image (in place of G) and image to hover map (in place of F).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .noise import Noise3D
from .parts import as_prediction, pad_to_multiple, scale_image

STRIDE = 4


class ResNetBlock(nn.Module):
    """x + norm(conv(relu(norm(conv(x))))), reflect padding, instance norm."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.branch = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1, padding_mode="reflect"),
            nn.InstanceNorm2d(channels),
            nn.ReLU(),
            nn.Conv2d(channels, channels, 3, padding=1, padding_mode="reflect"),
            nn.InstanceNorm2d(channels),
        )

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, H, W) to the same shape."""
        return features + self.branch(features)


def normed(convolution: nn.Module, channels: int) -> nn.Sequential:
    """A convolution, instance norm, ReLU."""
    return nn.Sequential(convolution, nn.InstanceNorm2d(channels), nn.ReLU())


def resnet_body(inner: int, outer: int, width: int, blocks: int) -> nn.Sequential:
    """(B, inner, H, W) to (B, outer, H, W), linear; H and W divide by 4 and are at least 16 px."""

    def up(coarse: int) -> nn.Sequential:
        transposed = nn.ConvTranspose2d(coarse, coarse // 2, 3, stride=2, padding=1, output_padding=1)
        return normed(transposed, coarse // 2)

    return nn.Sequential(
        normed(nn.Conv2d(inner, width, 7, padding=3, padding_mode="reflect"), width),
        normed(nn.Conv2d(width, 2 * width, 3, stride=2, padding=1), 2 * width),
        normed(nn.Conv2d(2 * width, 4 * width, 3, stride=2, padding=1), 4 * width),
        *[ResNetBlock(4 * width) for _ in range(blocks)],
        up(4 * width),
        up(2 * width),
        nn.Conv2d(width, outer, 7, padding=3, padding_mode="reflect"),
    )


def run_padded(body: nn.Module, inputs: Tensor) -> Tensor:
    """Pad to the stride, run, cut back: (B, inner, H, W) to (B, outer, H, W)."""
    height, width = inputs.shape[2:]
    return body(pad_to_multiple(inputs, STRIDE, 4 * STRIDE))[:, :, :height, :width]


class ResNetGenerator(nn.Module):
    """Hover map (B, 3, H, W) to an image (B, C, H, W) in [0, 1]; m enters as -1 or 1.

    Args:
        width: features at full resolution; 64 is CycleGAN's size.
        in_channels: channels of the hover map.
        image_channels: channels of the image, 1 or 3.
        global_noise: noise channels at the input with one value per image; the plain CycleGAN has none.
        local_noise: noise channels at the input with one value per pixel.
        blocks: residual blocks.
    """

    def __init__(
        self,
        width: int = 64,
        in_channels: int = 3,
        image_channels: int = 3,
        global_noise: int = 0,
        local_noise: int = 0,
        blocks: int = 9,
    ) -> None:
        super().__init__()
        self.arguments = {
            **{"width": width, "in_channels": in_channels, "image_channels": image_channels},
            **{"global_noise": global_noise, "local_noise": local_noise, "blocks": blocks},
        }
        self.noise = Noise3D(global_noise, local_noise)
        self.body = resnet_body(in_channels + self.noise.channels, image_channels, width, blocks)

    def forward(self, hover_map: Tensor, noise: Tensor | None = None) -> Tensor:
        """Paint an image on a hover map.

        Args:
            hover_map: float (B, 3, H, W), m in [0, 1].
            noise: float (B, noise channels, H, W) from `self.noise.sample`; None draws anew from the global state.

        Returns:
            float (B, C, H, W) in [0, 1].
        """
        if noise is None:
            noise = self.noise.sample(len(hover_map), hover_map.shape[2:], device=hover_map.device)
        signed = torch.cat([hover_map[:, :2], hover_map[:, 2:] * 2 - 1, noise.to(hover_map.dtype)], dim=1)
        return (torch.tanh(run_padded(self.body, signed)) + 1) / 2


class ResNetMapper(nn.Module):
    """Image (B, C, H, W) in [0, 1] to (B, 3, H, W): tanh h, tanh v, logit of m.

    Args:
        image_channels: channels of the image, 1 or 3.
        width: features at full resolution.
        blocks: residual blocks.
    """

    def __init__(self, image_channels: int = 3, width: int = 64, blocks: int = 9) -> None:
        super().__init__()
        self.arguments = {"image_channels": image_channels, "width": width, "blocks": blocks}
        self.body = resnet_body(image_channels, 3, width, blocks)

    def forward(self, image: Tensor) -> Tensor:
        """(B, C, H, W) to (B, 3, H, W)."""
        return as_prediction(run_padded(self.body, scale_image(image)))
