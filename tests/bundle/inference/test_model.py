# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Models on disk: what is saved is what is loaded, and everything else is refused by name."""

from __future__ import annotations

import json

import pytest
import torch

from bundle.engines.checkpoint import save_checkpoint
from bundle.inference.model import (
    Model,
    ModelCard,
    describe_network,
    load_network,
    save_model,
    segmenter_of,
    smallest_object,
    start_from,
)
from bundle.networks.cnn3 import CNN3
from bundle.networks.compact import Compact
from bundle.networks.hovernet import HoverNet
from bundle.networks.lite import Lite
from bundle.networks.weights import CheckpointError

TARGET = {"_target_": "bundle.networks.compact.Compact", "channels": [4, 8]}
CARD = ModelCard(TARGET, mpp=0.5, diameter=6.0, notes={"preset": "cpu"})


@pytest.fixture
def saved(tmp_path):
    network = Compact(channels=[4, 8])
    save_model(tmp_path / "model.pt", network, CARD)
    return network, tmp_path / "model.pt"


def test_round_trip(saved):
    network, path = saved
    model = load_network(path)
    assert model.card == CARD
    assert not model.network.training
    assert all(torch.equal(value, network.state_dict()[key]) for key, value in model.network.state_dict().items())


def test_the_file_is_a_flat_state_dict(saved):
    network, path = saved
    state = torch.load(path, weights_only=True)
    assert list(state) == list(network.state_dict())


def test_a_folder_stands_for_its_model(saved):
    assert load_network(saved[1].parent).card == CARD


def test_weights_of_another_network_are_refused(saved):
    path = saved[1]
    other = json.loads(path.with_suffix(".json").read_text()) | {"network": TARGET | {"channels": [4, 12]}}
    path.with_suffix(".json").write_text(json.dumps(other))
    with pytest.raises(ValueError, match=r"model\.pt: weights of another network than this Compact"):
        load_network(path)


def test_a_training_checkpoint_is_refused(saved):
    network, path = saved
    checkpoint = save_checkpoint({"network": network}, 3, path.parent, keep=1)
    checkpoint.rename(path)
    with pytest.raises(ValueError, match=r"model\.pt: not a flat state dict"):
        load_network(path)


@pytest.mark.parametrize("part", [0.1, 0.18, 0.5, 0.9])
def test_weights_that_are_cut_short_are_named(saved, part):
    path = saved[1]
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * part)])
    with pytest.raises(CheckpointError, match=r"model\.pt: damaged"):
        load_network(path)


def test_damaged_weights_are_refused(saved):
    path = saved[1]
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(ValueError, match=r"model\.pt: damaged"):
        load_network(path)


def test_missing_files_are_named(saved, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"other\.pt: no such model"):
        load_network(tmp_path / "other.pt")
    saved[1].with_suffix(".json").unlink()
    with pytest.raises(FileNotFoundError, match=r"model\.json: no such file"):
        load_network(saved[1])


@pytest.mark.parametrize("text", ["{", "[]", '{"mpp": 0.5}', '{"network": {}, "mpp": 0.5, "colour": 1}'])
def test_a_damaged_description_is_refused(saved, text):
    saved[1].with_suffix(".json").write_text(text)
    with pytest.raises(ValueError, match=r"model\.json: does not describe a model"):
        load_network(saved[1])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"mpp": 0}, "mpp is 0"),
        ({"mpp": "0.5"}, "mpp is '0.5'"),
        ({"mpp": None}, "mpp is None"),
        ({"diameter": -6}, "diameter is -6"),
        ({"channels": 4}, "channels is 4"),
        ({"network": {"_target_": "os.system", "command": "true"}}, "_target_ must be one of"),
    ],
)
def test_senseless_descriptions_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        ModelCard(**({"network": TARGET, "mpp": 0.5} | change))


@pytest.mark.parametrize(
    "network",
    [
        {"_target_": "bundle.networks.compact.Missing"},
        {"_target_": "bundle.networks.missing.Compact"},
        {"_target_": "bundle.networks.compact.Compact", "colour": 1},
    ],
)
def test_a_network_that_cannot_be_built_is_named(network):
    with pytest.raises(ValueError, match="cannot be built with"):
        ModelCard(network, mpp=0.5).build()


DESCRIBED = [
    Compact(),
    Compact(image_channels=1, channels=(4, 8, 12), norm="batch"),
    Compact(channels=[4, 8], norm="none"),
    HoverNet(width=0.125),
    HoverNet(image_channels=1, width=0.125, norm="group"),
    CNN3(width=0.1),
    CNN3(image_channels=1, width=0.05, dropout=(0, 0, 0.25, 0.25)),
    Lite(image_channels=1, channels=(4, 6, 8, 10), norm="batch"),
]


def architecture(network):
    """What a network is made of, to the last option of each layer."""
    return str(network), {key: value.shape for key, value in network.state_dict().items()}


@pytest.mark.parametrize("network", DESCRIBED, ids=lambda network: type(network).__name__)
def test_a_description_builds_the_same_architecture(network, tmp_path):
    card = ModelCard(describe_network(network), mpp=0.5, channels=network.arguments["image_channels"])
    assert architecture(card.build()) == architecture(network)
    save_model(tmp_path / "model.pt", network, card)
    loaded = load_network(tmp_path / "model.pt").network  # the description went through JSON
    assert architecture(loaded) == architecture(network)
    image = torch.rand(1, card.channels, 19, 24)
    torch.testing.assert_close(loaded(image), network.eval()(image))


@pytest.mark.parametrize(
    "network", [DESCRIBED[1], DESCRIBED[4], DESCRIBED[6], DESCRIBED[7]], ids=lambda network: type(network).__name__
)
def test_a_network_that_describes_itself_can_be_scripted(network):
    image = torch.rand(1, 1, 19, 24)
    torch.testing.assert_close(torch.jit.script(network.eval())(image), network(image))


def test_options_of_a_network_tell_its_descriptions_apart():
    descriptions = [json.dumps(describe_network(network)) for network in DESCRIBED]
    assert len(set(descriptions)) == len(DESCRIBED)


def test_a_network_of_another_kind_cannot_be_described():
    with pytest.raises(ValueError, match="Conv2d does not say its arguments"):
        describe_network(torch.nn.Conv2d(1, 1, 1))


def test_objects_smaller_than_the_law_draws_are_no_objects():
    assert smallest_object(6.0, 0.5) == 16  # pi 12^2 / 4 / 7 = 16.2 px
    card = ModelCard(describe_network(Compact(channels=[4, 8])), mpp=0.5, diameter=6.0)
    blobs = torch.zeros(3, 32, 32)
    blobs[2, 4:8, 4:8] = 1  # 16 px
    blobs[2, 20:23, 20:25] = 1  # 15 px
    label = segmenter_of(Model(card.build(), card)).to_label(blobs)
    assert label.max() == 1 and label[0, 5, 5] == 1


@pytest.mark.parametrize(
    "make", [lambda: Compact(channels=[4, 8]), lambda: HoverNet(width=0.125), lambda: CNN3(width=0.05)]
)
def test_training_starts_from_weights_of_every_network(make, tmp_path, caplog):
    trained, fresh = make(), make()
    save_model(tmp_path / "model.pt", trained, ModelCard(describe_network(trained), mpp=0.5))
    assert start_from(fresh, tmp_path, 0.5) is fresh and "sizes differ" not in caplog.text
    assert all(torch.equal(value, fresh.state_dict()[key]) for key, value in trained.state_dict().items())
    start_from(fresh, tmp_path / "model.pt", 0.25)
    assert "trained at 0.5 um per px and goes on at 0.25" in caplog.text


def test_without_weights_training_starts_from_chance():
    network = Compact(channels=[4, 8])
    before = {key: value.clone() for key, value in network.state_dict().items()}
    for nothing in (None, ""):
        assert start_from(network, nothing, 0.5) is network
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())


def test_weights_of_another_backbone_are_refused_by_both_names(saved):
    with pytest.raises(ValueError, match=r"weights of bundle\.networks\.compact\.Compact, and CNN3 is to be trained"):
        start_from(CNN3(width=0.05), saved[1], 0.5)
    saved[1].with_suffix(".json").unlink()  # without a description the weights themselves tell
    with pytest.raises(ValueError, match="weights of another network than this CNN3"):
        start_from(CNN3(width=0.05), saved[1], 0.5)
    with pytest.raises(ValueError, match=r"model\.pt: damaged, or not a file of plain tensors"):
        saved[1].write_bytes(b"rubbish")
        start_from(Compact(channels=[4, 8]), saved[1], 0.5)
