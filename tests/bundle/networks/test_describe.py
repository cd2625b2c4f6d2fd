# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Descriptions from files: only what the list knows is built, and nothing else is even imported."""

from __future__ import annotations

import importlib
import inspect
import json
import socket
import sys

import pytest
import torch
from torch import nn

from bundle.inference.model import ModelCard, read_card
from bundle.networks import describe
from bundle.networks.known_networks import KNOWN_NETWORKS, MONAIS, OURS, SHORT_NAMES

COMPACT = "bundle.networks.compact.Compact"
UNET = {"spatial_dims": 2, "in_channels": 3, "out_channels": 3, "channels": [4, 8], "strides": [2]}
PLANE = {"spatial_dims": 2, "in_channels": 3, "out_channels": 3}
SMALL = {  # one small network of every class on the list
    COMPACT: {"channels": [4, 8]},
    "bundle.networks.hovernet.HoverNet": {"width": 0.125},
    "bundle.networks.cnn3.CNN3": {"width": 0.05},
    "bundle.networks.lite.Lite": {"channels": [4, 6, 8, 10]},
    "bundle.networks.resnet.ResNetMapper": {"width": 4, "blocks": 1},
    "bundle.networks.resnet.ResNetGenerator": {"width": 4, "blocks": 1, "local_noise": 1},
    "bundle.networks.unet_generator.UNetGenerator": {"channels": [4, 8]},
    "bundle.networks.spade.SPADEGenerator": {"width": 4, "hidden": 4, "multipliers": [2, 1, 1]},
    "monai.networks.nets.unet.UNet": {**UNET, "num_res_units": 1, "act": ["leakyrelu", {"negative_slope": 0.1}]},
    "monai.networks.nets.basic_unet.BasicUNet": {**PLANE, "features": [4, 4, 4, 4, 4, 4], "norm": "batch"},
    "monai.networks.nets.segresnet.SegResNet": {
        **{**PLANE, "init_filters": 4, "blocks_down": [1, 1], "blocks_up": [1]},
        "norm": ["group", {"num_groups": 2}],
    },
    "monai.networks.nets.attentionunet.AttentionUnet": UNET,
    "monai.networks.nets.dynunet.DynUNet": {
        **{**PLANE, "kernel_size": [3, 3, 3], "strides": [1, 2, 2]},
        **{"upsample_kernel_size": [2, 2], "filters": [4, 8, 8], "res_block": True},
    },
    "monai.networks.nets.flexible_unet.FlexibleUNet": {**PLANE, "backbone": "resnet18", "pretrained": False},
}


@pytest.fixture
def watched(monkeypatch):
    """The names that are imported from here on."""
    names = []

    def importing(name, *arguments):
        names.append(name)
        return importlib.__import__(name, *arguments) and sys.modules[name]

    monkeypatch.setattr(describe.importlib, "import_module", importing)
    return names


@pytest.mark.parametrize("name", KNOWN_NETWORKS)
def test_every_network_on_the_list_is_built_and_keeps_the_size(name, monkeypatch):
    monkeypatch.setattr(socket.socket, "connect", lambda *_: pytest.fail("a network was downloaded"))
    network = describe.build_network({"_target_": name, **SMALL.get(name, {})}).eval()
    assert f"{type(network).__module__}.{type(network).__qualname__}" == name
    with torch.no_grad():
        assert network(torch.rand(1, 3, 64, 64)).shape == (1, 3, 64, 64)


@pytest.mark.parametrize("name", KNOWN_NETWORKS)
def test_arguments_on_the_list_are_those_of_the_class(name):
    parameters = inspect.signature(describe.known_class(name, nn.Module)).parameters
    assert set(KNOWN_NETWORKS[name]) <= set(parameters)
    if name in OURS:
        assert set(KNOWN_NETWORKS[name]) == set(parameters)  # whatever is trained here can be loaded


@pytest.mark.parametrize("short", SHORT_NAMES)
def test_monai_networks_have_their_public_names_too(short):
    network = describe.build_network({"_target_": short, **SMALL[SHORT_NAMES[short]]})
    assert type(network).__module__ == SHORT_NAMES[short].rpartition(".")[0]


ATTACKS = [
    {"_target_": "monai.networks.nets.densenet.load_state_dict_from_url", "url": "file:///weights.pt"},
    {"_target_": "monai.networks.nets.hovernet.download_url", "url": "file:///a", "filepath": "b"},
    {"_target_": "monai.networks.nets.hovernet.torch.load", "f": "weights.pt"},
    {"_target_": "monai.networks.nets.resnet.resnet18", "pretrained": True},
    {"_target_": "monai.networks.nets.DenseNet121", **PLANE, "pretrained": True},
    {"_target_": "monai.networks.nets.HoVerNet", "pretrained_url": "file:///weights.pt"},
    {"_target_": "monai.networks.nets.hovernet.HoVerNet", "pretrained_url": "file:///weights.pt"},
    {"_target_": "bundle.networks.weights.read", "path": "weights.pt"},
    {"_target_": "bundle.networks.weights.save", "content": 1, "path": "victim"},
    {"_target_": "bundle.networks.inception.load_inception", "path": "weights.pt"},
    {"_target_": "bundle.networks.hovernet.Path", "path": "victim"},
    {"_target_": "bundle.networks.hovernet.torch.hub.load", "repo_or_dir": "."},
    {"_target_": "bundle.networks.compact.nn.Conv2d", "in_channels": 3, "out_channels": 3, "kernel_size": 1},
    {"_target_": "bundle.networks.compact.ResidualBlock", "channels": 3, "norm": "layer"},
    {"_target_": "bundle.networks.compact.Compact.__init__"},
    {"_target_": "bundle.networks.compact.Compact.load_state_dict"},
    {"_target_": "bundle.networks.compact.Compact "},
    {"_target_": "bundle.networks.compact..Compact"},
    {"_target_": "bundle.networks.compact"},
    {"_target_": "bundle.networks.describe.importlib.import_module", "name": "this"},
    {"_target_": "bundle.networks."},
    {"_target_": "monai.networks.nets._private.Net"},
    {"_target_": "Compact"},
    {"_target_": ["bundle.networks.compact.Compact"]},
    {"_target_": {"a": 1}},
    {"_target_": None},
    {"_target_": 3},
    {},
]


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: str(attack.get("_target_", "nothing"))[-40:])
def test_names_that_are_not_on_the_list_are_not_even_imported(attack, watched, tmp_path):
    for use in (lambda: describe.build_network(attack), lambda: ModelCard(attack, 0.5)):
        with pytest.raises(ValueError, match="_target_ must be one of"):
            use()
    assert not watched and not list(tmp_path.iterdir())


@pytest.mark.parametrize("target", ["os.system", "bundle.inference.outputs.build_output", "bundle.inference.outputs."])
def test_outputs_that_are_not_on_the_list_are_not_even_imported(target, watched):
    with pytest.raises(ValueError, match="output.*_target_ must be one of"):
        ModelCard({"_target_": COMPACT}, 0.5, output={"_target_": target})
    assert not watched


WRONG = [
    (COMPACT, {"channels": [10**9]}),
    (COMPACT, {"channels": [8] * 1000}),
    (COMPACT, {"channels": [4, 8.0]}),
    (COMPACT, {"channels": [True, True]}),
    (COMPACT, {"channels": "48"}),
    (COMPACT, {"channels": {}}),
    (COMPACT, {"channels": []}),
    (COMPACT, {"channels": None}),
    (COMPACT, {"channels": [4, -8]}),
    (COMPACT, {"norm": "$__import__('os').system('true')"}),
    (COMPACT, {"norm": ["layer"]}),
    (COMPACT, {"norm": None}),
    (COMPACT, {"image_channels": True}),
    (COMPACT, {"image_channels": "3"}),
    (COMPACT, {"image_channels": 3.0}),
    (COMPACT, {"_mode_": "debug"}),
    (COMPACT, {"_disabled_": True}),
    (COMPACT, {"self": 1}),
    ("bundle.networks.hovernet.HoverNet", {"width": float("nan")}),
    ("bundle.networks.hovernet.HoverNet", {"width": float("inf")}),
    ("bundle.networks.hovernet.HoverNet", {"width": 10**400}),
    ("bundle.networks.hovernet.HoverNet", {"width": 0}),
    ("bundle.networks.hovernet.HoverNet", {"width": 1000}),
    ("bundle.networks.hovernet.HoverNet", {"width": 0.3}),
    ("bundle.networks.hovernet.HoverNet", {"width": "0.5"}),
    ("bundle.networks.cnn3.CNN3", {"dropout": [0.1, 0.1, 0.1]}),
    ("bundle.networks.cnn3.CNN3", {"dropout": [1, 0, 0, 0]}),
    ("monai.networks.nets.unet.UNet", {**UNET, "channels": [8192] * 8, "strides": [2] * 7}),
    ("monai.networks.nets.unet.UNet", {**UNET, "spatial_dims": 3}),
    ("monai.networks.nets.unet.UNet", {**UNET, "norm": ["instance", {"device": "cuda"}]}),
    ("monai.networks.nets.unet.UNet", {**UNET, "act": ["relu", {"inplace": 1}]}),
    ("monai.networks.nets.unet.UNet", {**UNET, "act": "download"}),
    ("monai.networks.nets.unet.UNet", {"spatial_dims": 2, "in_channels": 3, "channels": [4, 8], "strides": [2]}),
    ("monai.networks.nets.dynunet.DynUNet", {**SMALL["monai.networks.nets.dynunet.DynUNet"], "kernel_size": [3]}),
    ("monai.networks.nets.dynunet.DynUNet", {**SMALL["monai.networks.nets.dynunet.DynUNet"], "strides": [4, 4, 4, 4]}),
    ("monai.networks.nets.flexible_unet.FlexibleUNet", {**PLANE, "backbone": "resnet18", "pretrained": True}),
    ("monai.networks.nets.flexible_unet.FlexibleUNet", {**PLANE, "backbone": "../resnet18"}),
]


@pytest.mark.parametrize(("name", "arguments"), WRONG)
def test_arguments_of_a_wrong_type_or_size_are_named(name, arguments):
    with pytest.raises(ValueError, match=rf"network {name.replace('.', chr(92) + '.')} cannot be built"):
        describe.build_network({"_target_": name, **arguments})


def test_a_class_that_moved_within_its_package_is_refused(monkeypatch):
    name = "bundle.networks.hovernet.Path"  # a class, but of another module
    with pytest.raises(ValueError, match="is no Module of that module"):
        describe.known_class(name, nn.Module)
    with pytest.raises(ValueError, match="is no object of that module"):
        describe.known_class(name, object)


CARD = {"network": {"_target_": COMPACT}, "mpp": 0.5}
FIELDS = [
    ({"mpp": True}, "mpp is True"),
    ({"mpp": "NaN"}, "mpp is 'NaN'"),
    ({"mpp": 10**400}, "mpp is 1000"),
    ({"mpp": 1e300}, "mpp is 1e\\+300"),
    ({"mpp": [0.5]}, "mpp is"),
    ({"diameter": True}, "diameter is True"),
    ({"diameter": 0}, "diameter is 0"),
    ({"diameter": "6"}, "diameter is '6'"),
    ({"diameter": 1e300}, "diameter is"),
    ({"channels": True}, "channels is True"),
    ({"channels": 3.0}, "channels is 3.0"),
    ({"channels": [3]}, "channels is"),
    ({"channels": 1}, "channels is 1, and image_channels of its network is 3"),
    ({"notes": []}, "notes is"),
    ({"notes": "text"}, "notes is"),
    ({"output": 3}, "output is 3"),
    ({"output": []}, "output is"),
    ({"output": {"_target_": "bundle.inference.outputs.HoverOutput", "threshold": True}}, "threshold is True"),
    ({"output": {"_target_": "bundle.inference.outputs.HoverOutput", "smoothing": "1"}}, "smoothing is '1'"),
    ({"output": {"_target_": "bundle.inference.outputs.HoverOutput", "smoothing": 1e9}}, "smoothing is"),
    ({"output": {"_target_": "bundle.inference.outputs.HoverOutput", "smallest": []}}, "smallest is"),
    ({"output": {"_target_": "bundle.inference.outputs.ClassOutput", "mpp": {}}}, "mpp is"),
    ({"output": {"_target_": "bundle.inference.outputs.ClassOutput"}}, "output .* cannot be built with .*mpp"),
    ({"network": []}, "network is"),
    ({"network": None}, "network is None"),
    ({"network": "bundle.networks.compact.Compact"}, "network is 'bundle"),
    ({"colour": 1}, "colour"),
]


@pytest.mark.parametrize(("change", "message"), FIELDS)
def test_every_field_of_a_card_is_checked(change, message, tmp_path):
    (tmp_path / "model.json").write_text(json.dumps(CARD | change))
    with pytest.raises(ValueError, match=f"model.json: does not describe a model .*{message}"):
        read_card(tmp_path / "model.pt")


TEXTS = ["[" * 100_000, '{"a":' * 100_000, "null", "3", '{"mpp": NaN}', '{"mpp": 1e999}', "\xff\xfe", "9" * 10_000, ""]


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: text[:12])
def test_cards_of_any_content_end_in_a_message(text, tmp_path):
    (tmp_path / "model.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(ValueError, match="model.json: does not describe a model"):
        read_card(tmp_path / "model.pt")


def test_monai_networks_say_their_form_outright():
    for rules in MONAIS.values():
        assert all(rules[name].required for name in PLANE)
