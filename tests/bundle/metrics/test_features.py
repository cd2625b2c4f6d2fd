# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Feature extractors: their names and fingerprints, what the features are, what they refuse."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
import torch
from torch import nn

from bundle.metrics.features import EncoderFeatures, PretrainedFeatures
from bundle.networks.compact import Compact
from bundle.networks.efficientnet_lite import EfficientNetLite0
from bundle.networks.hovernet import HoverNet
from bundle.networks.weights import save_weights


def package_file(path: Path) -> Path:
    """Random weights in the form of the package's file: other names, and a classifier behind."""
    torch.manual_seed(0)
    state = {f"_layer{number}": value for number, value in enumerate(EfficientNetLite0().state_dict().values())}
    torch.save({**state, "_conv_head.weight": torch.zeros(1280, 320, 1, 1), "_fc.bias": torch.zeros(1000)}, path)
    return path


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]


def saved(network: nn.Module, path: Path) -> Path:
    save_weights(network, path)
    return path


# EfficientNet-lite0


def test_pretrained_features_say_which_weights(tmp_path: Path) -> None:
    path = package_file(tmp_path / "lite0.pth")
    extractor = PretrainedFeatures(path=path)
    assert extractor.name == "EfficientNet-lite0, ImageNet" and extractor.digest == digest(path)
    assert extractor.distances == ("frechet_efficientnet", "kernel_efficientnet")
    images = torch.rand(2, 3, 50, 66)
    features = extractor(images)
    assert features.shape == (2, 512) and features.dtype == torch.float64
    levels = [level.double().mean(dim=(2, 3)) for level in extractor.network(images)]
    assert torch.equal(features, torch.cat(levels, 1))
    assert extractor(torch.rand(1, 1, 50, 66)).shape == (1, 512)  # grey
    with pytest.raises(ValueError, match=r"images are \(1, 2, 8, 8\): give \(B, C, H, W\) with 1 or 3 channels"):
        extractor(torch.rand(1, 2, 8, 8))


# Encoders


@pytest.fixture
def compact() -> Compact:
    torch.manual_seed(0)
    return Compact(channels=(4, 8, 16))


def test_an_encoder_says_whose_it_is(compact: Compact, tmp_path: Path) -> None:
    extractor = EncoderFeatures(saved(compact, tmp_path / "model.pt"), Compact(channels=(4, 8, 16)))
    assert extractor.name == "encoder of a trained Compact"
    assert extractor.distances == ("frechet_encoder", "kernel_encoder")
    assert extractor.digest == digest(tmp_path / "model.pt")


def test_features_are_the_spatial_means_of_the_files_network(compact: Compact, tmp_path: Path) -> None:
    extractor = EncoderFeatures(saved(compact, tmp_path / "model.pt"), Compact(channels=(4, 8, 16)))
    images = torch.rand(3, 3, 16, 24)
    features = extractor(images)
    assert features.shape == (3, 16 + 8 + 4) and features.dtype == torch.float64 and not features.requires_grad
    with torch.no_grad():
        expected = [level.mean(dim=(2, 3)) for level in reversed(compact.encode(images))]
    torch.testing.assert_close(features.float(), torch.cat(expected, dim=1))


@pytest.mark.parametrize(
    ("channels", "expected"),
    [((16, 32, 64, 128), 240), ((64, 128, 256), 448), ((256, 256), 512), ((32, 256, 256), 512), ((8, 600), 600)],
)
def test_the_deepest_levels_up_to_512_features_are_taken(
    channels: tuple[int, ...], expected: int, tmp_path: Path
) -> None:
    network = Compact(channels=channels)
    extractor = EncoderFeatures(saved(network, tmp_path / "model.pt"), network)
    assert extractor(torch.rand(1, 3, 8, 8)).shape == (1, expected)


def test_the_encoder_of_hovernet(tmp_path: Path) -> None:
    network = HoverNet(1, width=0.125)
    extractor = EncoderFeatures(saved(network, tmp_path / "model.pt"), network.train())
    assert not network.training
    images, seen = torch.rand(2, 1, 24, 16), []
    network.encoder.register_forward_hook(lambda _, inputs, output: seen.append(output))
    features = extractor(images)
    network(images)
    assert all(torch.equal(one, other) for one, other in zip(*seen, strict=True))  # as in the whole network
    assert features.shape == (2, 128 + 128 + 64 + 32)
    assert extractor.name == "encoder of a trained HoverNet"


def test_wrong_networks_weights_and_images_are_named(compact: Compact, tmp_path: Path) -> None:
    path = saved(compact, tmp_path / "model.pt")
    with pytest.raises(ValueError, match=r"model\.pt: weights of another network than this Compact"):
        EncoderFeatures(path, Compact(channels=(4, 8)))
    with pytest.raises(ValueError, match=r"model\.pt: features of a Linear are not known: use Compact or HoverNet"):
        EncoderFeatures(path, nn.Linear(1, 1))
    with pytest.raises(FileNotFoundError, match=r"none\.pt"):
        EncoderFeatures(tmp_path / "none.pt", compact)
    with pytest.raises(ValueError, match="trained Compact: images are .1, 1, 8, 8.: give .* with 3 channels"):
        EncoderFeatures(path, compact)(torch.rand(1, 1, 8, 8))
