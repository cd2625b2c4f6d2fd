# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""D_X and D_S: PatchGAN discriminators with spectral norm and no other norm (Isola et al. 2017; METHOD section 4).

MONAI's PatchDiscriminator has the same layout; it is not used because it returns a list of all features, which every
caller would have to index, and leaves the spectral norm to be put on from outside.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from .parts import scale_image


class ScaleImage(nn.Module):
    """Image from [0, 1] to [-1, 1], as a layer."""

    def forward(self, image: Tensor) -> Tensor:
        """(B, C, H, W) to the same shape."""
        return scale_image(image)


def patch_layer(inner: int, outer: int, stride: int) -> nn.Sequential:
    """4 x 4 convolution with spectral norm, LeakyReLU 0.2."""
    return nn.Sequential(spectral_norm(nn.Conv2d(inner, outer, 4, stride, padding=1)), nn.LeakyReLU(0.2))


def patch_discriminator(in_channels: int = 3, channels: int = 64, layers: int = 3) -> nn.Sequential:
    """Judge overlapping patches of a map (B, C, H, W): unbounded scores (B, 1, h, w), for LSGAN.

    Args:
        in_channels: channels of what is judged (3: all of h, v, m).
        channels: features of the first layer, doubled by each further one up to 8 times.
        layers: how many layers follow the first; 3 sees 70 x 70 px, 2 sees 34 x 34, 1 sees 16 x 16.
    """
    widths = [channels * min(2**layer, 8) for layer in range(layers + 1)]
    strides = [2] * (layers - 1) + [1]
    body = [
        patch_layer(inner, outer, stride) for inner, outer, stride in zip(widths[:-1], widths[1:], strides, strict=True)
    ]
    return nn.Sequential(patch_layer(in_channels, channels, 2), *body, nn.Conv2d(widths[-1], 1, 4, padding=1))


def image_discriminator(in_channels: int = 3, channels: int = 64, layers: int = 3) -> nn.Sequential:
    """D_X: `patch_discriminator` for images in [0, 1], which it scales to [-1, 1]."""
    return nn.Sequential(ScaleImage(), patch_discriminator(in_channels, channels, layers))
