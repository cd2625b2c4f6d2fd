# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""CNN3: a classifier of 51 x 51 px patches, run on every pixel of an image at once (METHOD section 4).

Kumar et al. 2017, IEEE TMI 36(7): three convolutions, each with ReLU and 2 x 2 max-pooling, and three fully connected
layers say whether the pixel in a patch's middle is background, inside a nucleus or on its boundary. Neighbouring
patches share nearly all of that work. Here pooling keeps every pixel, and whatever follows it takes its inputs twice as
far apart (dilation 2, 4, 8), so that each pixel's scores are those of the patch around it at a small part of the cost.

So an update on a crop is an update on the patches of all its pixels, with the same gradients. Dropout stands where the
authors' training script has it, before the second and third convolution (whole channels: the same ones for all patches
of a crop) and before the first two fully connected layers (for each pixel by itself). That script drops colours of the
image, too; we do not, since the only channel of a grey image would be all of it.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from .parts import scale_image

PATCH = 51  # px; the last pooling leaves its last row and column out, so of a patch 47 x 47 px count, from the top left
SEEN = 47
CHANNELS = (25, 50, 80)
HIDDEN = 1024


class CNN3(nn.Module):
    """Image (B, C, H, W) in [0, 1], any size, to (B, 3, H, W): logits of background, inside and boundary.

    Args:
        image_channels: channels of the image, 1 or 3.
        width: of every layer, in units of the paper's: 25, 50, 80 and twice 1,024 features.
        dropout: shares dropped before the second and third convolution and the first two fully connected layers.

    Raises:
        ValueError: when `width` is not positive, or when `dropout` does not hold four shares.
    """

    def __init__(
        self, image_channels: int = 3, width: float = 1.0, dropout: Sequence[float] = (0.2, 0.25, 0.5, 0.5)
    ) -> None:
        super().__init__()
        if width <= 0:
            raise ValueError(f"width is {width}; choose a positive number, such as 1.0, the paper's size")
        if len(dropout) != 4:
            raise ValueError(f"dropout is {list(dropout)}; give four shares, such as [0.2, 0.25, 0.5, 0.5]")
        dropout = [float(share) for share in dropout]  # TorchScript takes no 0 for 0.0
        self.arguments = {"image_channels": image_channels, "width": width, "dropout": dropout}
        self.pixels_at_once = 2**16  # in one strip: 1,024 hidden features of as many are 268 MB
        first, second, third, hidden = (max(round(width * channels), 1) for channels in (*CHANNELS, HIDDEN))
        self.features = nn.Sequential(
            nn.Conv2d(image_channels, first, 4),
            nn.ReLU(inplace=True),
            DensePool(1),
            nn.Dropout2d(dropout[0]),
            nn.Conv2d(first, second, 5, dilation=2),
            nn.ReLU(inplace=True),
            DensePool(2),
            nn.Dropout2d(dropout[1]),
            nn.Conv2d(second, third, 6, dilation=4),
            nn.ReLU(inplace=True),
            DensePool(4),
        )
        self.classifier = nn.Sequential(
            nn.Dropout(dropout[2]),
            nn.Conv2d(third, hidden, 2, dilation=8),
            nn.ReLU(inplace=True),
            nn.Dropout(dropout[3]),
            nn.Conv2d(hidden, hidden, 1),
            nn.ReLU(inplace=True),
            nn.Conv2d(hidden, 3, 1),
        )
        for name, parameter in self.named_parameters():
            if name.endswith("weight"):
                nn.init.kaiming_normal_(parameter, nonlinearity="relu")
            else:
                nn.init.zeros_(parameter)

    def forward(self, image: Tensor) -> Tensor:
        """(B, C, H, W) to (B, 3, H, W); at inference strip by strip, so that memory does not grow with the height."""
        batch, height, width = image.shape[0], image.shape[2], image.shape[3]
        padded = pad_for_patches(scale_image(image))  # (B, C, H + 46, W + 46)
        more = padded.shape[2] - height
        rows = height if self.training else max(self.pixels_at_once // (batch * width), 1)
        strips = [
            self.classifier(self.features(padded[:, :, top : min(top + rows, height) + more]))
            for top in range(0, height, rows)
        ]
        return torch.cat(strips, dim=2)


class DensePool(nn.Module):
    """The maximum over 2 x 2 pixels that lie `distance` apart, at every pixel that has all four of them."""

    def __init__(self, distance: int) -> None:
        super().__init__()
        self.distance = distance

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, H, W) to (B, C, H - distance, W - distance)."""
        wide = torch.maximum(features[..., self.distance :], features[..., : -self.distance])
        return torch.maximum(wide[:, :, self.distance :], wide[:, :, : -self.distance])


def pad_for_patches(image: Tensor, before: int = PATCH // 2, after: int = SEEN - 1 - PATCH // 2) -> Tensor:
    """(B, C, H, W) to (B, C, H + 46, W + 46): the image continued as far as the patches around its pixels see.

    By reflection where the image is large enough for it, else by repeating the outermost rows and columns.
    """
    mode = "reflect" if min(image.shape[2], image.shape[3]) > before else "replicate"
    return functional.pad(image, [before, after, before, after], mode=mode)
