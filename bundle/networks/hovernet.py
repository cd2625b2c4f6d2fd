# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""HoverNet: image to hover map, the HoVer-Net body padded to keep size; F of the paper, and N (METHOD section 4).

Graham et al. 2019: pre-activation ResNet-50 (3, 4, 6, 3 units), two decoders of dense units: one for m, one for h, v.
Every norm depends on the sample alone, so F treats real and synthetic images the same in training and at inference.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from .parts import as_prediction, make_norm, pad_to_multiple, scale_image
from .weights import read

UNITS = (3, 4, 6, 3)


def activated(channels: int, norm: str) -> nn.Sequential:
    """Norm and ReLU: what stands before a convolution."""
    return nn.Sequential(make_norm(norm, channels), nn.ReLU())


def same_conv(inner: int, outer: int, kernel: int, stride: int = 1, groups: int = 1) -> nn.Conv2d:
    """Convolution without bias, padded to keep size."""
    return nn.Conv2d(inner, outer, kernel, stride, padding=kernel // 2, groups=groups, bias=False)


class Bottleneck(nn.Module):
    """Pre-activation residual unit: 1 x 1, 3 x 3, 1 x 1 (He et al. 2016); a 1 x 1 shortcut where the shape changes."""

    def __init__(self, inner: int, middle: int, outer: int, stride: int, norm: str) -> None:
        super().__init__()
        self.before = activated(inner, norm)
        self.branch = nn.Sequential(
            same_conv(inner, middle, 1),
            activated(middle, norm),
            same_conv(middle, middle, 3, stride),
            activated(middle, norm),
            same_conv(middle, outer, 1),
        )
        self.project = inner != outer or stride != 1
        self.shortcut = same_conv(inner, outer, 1, stride) if self.project else nn.Identity()

    def forward(self, features: Tensor) -> Tensor:
        """(B, inner, H, W) to (B, outer, H / stride, W / stride)."""
        ready = self.before(features)
        kept = self.shortcut(ready) if self.project else features
        return kept + self.branch(ready)


def stage(inner: int, middle: int, units: int, stride: int, norm: str) -> nn.Sequential:
    """Residual units at one resolution, the first one with the stride; ends in norm and ReLU."""
    outer = 4 * middle
    first = Bottleneck(inner, middle, outer, stride, norm)
    rest = [Bottleneck(outer, middle, outer, 1, norm) for _ in range(units - 1)]
    return nn.Sequential(first, *rest, activated(outer, norm))


class Encoder(nn.Module):
    """Image (B, C, H, W) in [-1, 1] to features at 1, 1/2, 1/4 and 1/8, with 4, 8, 16 and 16 times `base` channels."""

    def __init__(self, image_channels: int, base: int, norm: str) -> None:
        super().__init__()
        self.stem = nn.Sequential(same_conv(image_channels, base, 7), activated(base, norm))
        self.stage0 = stage(base, base, UNITS[0], 1, norm)
        self.stage1 = stage(4 * base, 2 * base, UNITS[1], 2, norm)
        self.stage2 = stage(8 * base, 4 * base, UNITS[2], 2, norm)
        self.stage3 = stage(16 * base, 8 * base, UNITS[3], 2, norm)
        self.bottom = same_conv(32 * base, 16 * base, 1)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Finest first."""
        full = self.stage0(self.stem(image))  # (B, 4 base, H, W)
        half = self.stage1(full)  # (B, 8 base, H / 2, W / 2)
        quarter = self.stage2(half)  # (B, 16 base, H / 4, W / 4)
        eighth = self.bottom(self.stage3(quarter))  # (B, 16 base, H / 8, W / 8)
        return full, half, quarter, eighth


class DenseUnits(nn.Module):
    """Dense units: each adds base / 2 channels, computed from all before it by 1 x 1 and grouped 5 x 5 convolutions."""

    def __init__(self, inner: int, units: int, base: int, norm: str) -> None:
        super().__init__()
        growth = base // 2
        self.units = nn.ModuleList(
            nn.Sequential(
                activated(inner + unit * growth, norm),
                same_conv(inner + unit * growth, 2 * base, 1),
                activated(2 * base, norm),
                same_conv(2 * base, growth, 5, groups=4),
            )
            for unit in range(units)
        )

    def forward(self, features: Tensor) -> Tensor:
        """(B, inner, H, W) to (B, inner + units * base / 2, H, W)."""
        for unit in self.units:
            features = torch.cat([features, unit(features)], dim=1)
        return features


def decoder_level(inner: int, middle: int, units: int, base: int, norm: str) -> nn.Sequential:
    """5 x 5 convolution, dense units, norm, 1 x 1 one: (B, inner, H, W) to (B, middle + units * base / 2, H, W)."""
    outer = middle + units * (base // 2)
    return nn.Sequential(
        same_conv(inner, middle, 5),
        DenseUnits(middle, units, base, norm),
        activated(outer, norm),
        same_conv(outer, outer, 1),
    )


def twice(features: Tensor) -> Tensor:
    """(B, C, H, W) to (B, C, 2 H, 2 W), nearest."""
    return functional.interpolate(features, scale_factor=2.0, mode="nearest")


class Decoder(nn.Module):
    """The encoder's features to `outputs` maps at full size."""

    def __init__(self, outputs: int, base: int, norm: str) -> None:
        super().__init__()
        self.at_quarter = decoder_level(16 * base, 4 * base, 8, base, norm)
        self.at_half = decoder_level(8 * base, 2 * base, 4, base, norm)
        self.at_full = nn.Sequential(same_conv(4 * base, base, 5), activated(base, norm), nn.Conv2d(base, outputs, 1))

    def forward(self, full: Tensor, half: Tensor, quarter: Tensor, eighth: Tensor) -> Tensor:
        """(B, outputs, H, W), linear."""
        features = self.at_quarter(twice(eighth) + quarter)  # (B, 8 base, H / 4, W / 4)
        features = self.at_half(twice(features) + half)  # (B, 4 base, H / 2, W / 2)
        return self.at_full(twice(features) + full)


class HoverNet(nn.Module):
    """Image (B, C, H, W) in [0, 1], any size, to (B, 3, H, W): tanh h, tanh v, logit of m.

    Args:
        image_channels: channels of the image, 1 or 3.
        width: of every layer, in units of HoVer-Net's; 0.5 (about 11 M parameters) is the paper's size. A multiple of
            1/8.
        norm: "instance" or "group": both depend on the sample alone.

    Raises:
        ValueError: when `width` is no positive multiple of 1/8.
    """

    def __init__(self, image_channels: int = 3, width: float = 0.5, norm: str = "instance") -> None:
        super().__init__()
        if width <= 0 or width * 8 != int(width * 8):
            raise ValueError(f"width is {width}; choose a positive multiple of 0.125, such as 0.5")
        self.arguments = {"image_channels": image_channels, "width": width, "norm": norm}
        base = int(64 * width)
        self.stride = 8
        self.encoder = Encoder(image_channels, base, norm)
        self.foreground = Decoder(1, base, norm)
        self.offsets = Decoder(2, base, norm)

    def forward(self, image: Tensor) -> Tensor:
        """(B, C, H, W) to (B, 3, H, W)."""
        height, width = image.shape[2], image.shape[3]
        padded = pad_to_multiple(scale_image(image), self.stride, 2 * self.stride)
        full, half, quarter, eighth = self.encoder(padded)
        offsets = self.offsets(full, half, quarter, eighth)  # (B, 2, H, W)
        foreground = self.foreground(full, half, quarter, eighth)  # (B, 1, H, W)
        return as_prediction(torch.cat([offsets, foreground], dim=1))[:, :, :height, :width]

    @torch.jit.unused
    def load_encoder(self, path: str | Path) -> None:
        """Take the encoder's weights from a file.

        Args:
            path: a flat state dict of an encoder, or of a whole HoverNet (its encoder is used), of the same width, norm
                and image channels.

        Raises:
            ValueError: when the file holds something else; names the first entries that do not fit.
        """
        stored = read(path)
        inside = {name.removeprefix("encoder."): value for name, value in stored.items() if name.startswith("encoder.")}
        weights = inside or stored
        wanted = self.encoder.state_dict()
        wrong = sorted(name for name in wanted if name not in weights or weights[name].shape != wanted[name].shape)
        wrong += sorted(set(weights) - set(wanted))
        if wrong:
            raise ValueError(
                f"{path}: not the encoder of this HoverNet; {len(wrong)} entries do not fit, such as {wrong[:3]}."
                " Give weights of the same width, norm and image channels."
            )
        self.encoder.load_state_dict(weights)
