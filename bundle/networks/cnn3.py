# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""CNN3: a classifier of 51 x 51 px patches, run on every pixel of an image at once (METHOD section 4).

Kumar et al. 2017, IEEE TMI 36(7): three convolutions, each with ReLU and 2 x 2 max-pooling, and three fully connected
layers say whether the pixel in a patch's middle is background, inside a nucleus or on its boundary. Neighbouring
patches share nearly all of that work. Here pooling keeps every pixel, and whatever follows it takes its inputs twice as
far apart, so that each pixel's scores are those of the patch around it at a small part of the cost. That is dilation by
2, 4 and 8. It is done by taking even and odd rows and columns apart into images of their own (Giusti et al. 2013): the
same sums, but faster, and PyTorch's dilated convolution in bfloat16 reads past its input on some CPUs and crashes.

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

from .parts import padded_length, scale_image

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
        self.before, self.after = PATCH // 2, SEEN - 1 - PATCH // 2
        self.pixels_at_once = 2**16  # in one strip: 1,024 hidden features of as many are 268 MB
        first, second, third, hidden = (max(round(width * channels), 1) for channels in (*CHANNELS, HIDDEN))
        self.features = nn.Sequential(
            nn.Conv2d(image_channels, first, 4),
            nn.ReLU(inplace=True),
            DensePool(),
            nn.Dropout2d(dropout[0]),
            Apart(),
            nn.Conv2d(first, second, 5),
            nn.ReLU(inplace=True),
            DensePool(),
            nn.Dropout2d(dropout[1]),
            Apart(),
            nn.Conv2d(second, third, 6),
            nn.ReLU(inplace=True),
            DensePool(),
            Apart(),
        )
        self.classifier = nn.Sequential(
            nn.Dropout(dropout[2]),
            nn.Conv2d(third, hidden, 2),
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
        height, width = image.shape[2], image.shape[3]
        padded = pad_for_patches(scale_image(image), self.before, self.after)  # (B, C, h + 46, w + 46)
        around = self.before + self.after
        high, wide = padded.shape[2] - around, padded.shape[3] - around  # h, w: multiples of 8
        rows = high if self.training else max(self.pixels_at_once // (8 * image.shape[0] * wide), 1) * 8
        strips = [self.scores(padded[:, :, top : min(top + rows, high) + around]) for top in range(0, high, rows)]
        return torch.cat(strips, dim=2)[:, :, :height, :width]

    def scores(self, strip: Tensor) -> Tensor:
        """(B, C, h + 46, w + 46) in [-1, 1] to (B, 3, h, w), h and w multiples of 8."""
        scores = self.classifier(self.features(strip))  # (64 B, 3, h / 8, w / 8)
        return together(together(together(scores)))


class DensePool(nn.Module):
    """The maximum over 2 x 2 pixels, at every pixel that has all four of them: (B, C, H, W) to (B, C, H - 1, W - 1)."""

    def forward(self, features: Tensor) -> Tensor:
        """See the class."""
        pairs = torch.maximum(features[..., 1:], features[..., :-1])
        return torch.maximum(pairs[:, :, 1:], pairs[:, :, :-1])


class Apart(nn.Module):
    """Even and odd rows and columns as images of their own: (B, C, 2 H, 2 W) to (4 B, C, H, W)."""

    def forward(self, features: Tensor) -> Tensor:
        """See the class."""
        batch, channels, height, width = features.shape
        pixels = features.permute(0, 2, 3, 1).reshape(batch, height // 2, 2, width // 2, 2, channels)
        parts = pixels.permute(0, 2, 4, 1, 3, 5)  # (B, 2, 2, H, W, C)
        return parts.reshape(4 * batch, height // 2, width // 2, channels).permute(0, 3, 1, 2)


def together(parts: Tensor) -> Tensor:
    """Undo `Apart`: (4 B, C, H, W) to (B, C, 2 H, 2 W)."""
    batch, channels, height, width = parts.shape
    pixels = parts.reshape(batch // 4, 2, 2, channels, height, width)
    return pixels.permute(0, 3, 4, 1, 5, 2).reshape(batch // 4, channels, 2 * height, 2 * width)


def pad_for_patches(image: Tensor, before: int, after: int) -> Tensor:
    """The image continued as far as the patches around its pixels see, then with zeros until `Apart` can halve it.

    By reflection where the image is large enough for it, else by repeating the outermost rows and columns.

    Args:
        image: float (B, C, H, W).
        before: rows and columns that the patches see before their own pixel.
        after: those behind it.

    Returns:
        float (B, C, before + h + after, before + w + after): h and w are H and W rounded up to multiples of 8.
    """
    height, width = int(image.shape[2]), int(image.shape[3])
    mode = "reflect" if min(height, width) > max(before, after) else "replicate"
    seen = functional.pad(image, [before, after, before, after], mode=mode)
    return functional.pad(seen, [0, padded_length(width, 8, 8) - width, 0, padded_length(height, 8, 8) - height])
