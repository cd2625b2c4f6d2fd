# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""A network of one's own: which of MONAI's pass as they are, and how the others are refused before training."""

from __future__ import annotations

import pytest
import torch

from bundle.inference.model import ModelCard, load_network, save_model
from bundle.inference.network_contract import build_apart, check_segmenter, complete, describe_component
from bundle.networks.compact import Compact

BOTH = {"in_channels": 3, "out_channels": 3}
PLANE = {"spatial_dims": 2, **BOTH}
SUPPORTED = {
    "UNet": {**PLANE, "channels": [4, 8, 16], "strides": [2, 2]},
    "BasicUNet": {**PLANE, "features": [4, 4, 8, 8, 16, 4]},
    "AttentionUnet": {**PLANE, "channels": [4, 8], "strides": [2]},
    "SegResNet": {**PLANE, "init_filters": 8},
    "DynUNet": {
        **{**PLANE, "kernel_size": [3, 3, 3], "strides": [1, 2, 2]},
        **{"upsample_kernel_size": [2, 2], "filters": [4, 8, 8]},
    },
    "FlexibleUNet": {**PLANE, "backbone": "efficientnet-b0", "pretrained": False},
}


def description(name, **arguments):
    return {"_target_": f"monai.networks.nets.{name}", **{**SUPPORTED.get(name, {}), **arguments}}


@pytest.mark.parametrize("name", SUPPORTED)
def test_monais_networks_train_come_back_from_disk_and_script(name, tmp_path):
    written = description(name)
    check_segmenter(written, 3, (32, 32))
    network = build_apart(written)
    image = torch.rand(2, 3, 32, 32)
    network(image).square().mean().backward()
    save_model(tmp_path / "model.pt", network, ModelCard(describe_component(written), mpp=0.5))
    loaded = load_network(tmp_path).network
    with torch.inference_mode():
        expected = network.eval()(image)
        assert torch.equal(loaded(image), expected)
        assert torch.allclose(torch.jit.script(loaded)(image), expected, atol=1e-5)


@pytest.mark.parametrize(
    ("written", "message"),
    [
        (
            description("UNet", out_channels=2),
            "UNet cannot be built with these arguments: out_channels is 2: it must be 3",
        ),
        (description("UNet", in_channels=1), r"UNet fails on an image .*one float tensor \(B, 3, H, W\)"),
        (description("UNet", strides=[2]), "the length of .strides. should equal to"),
        (description("UNet", colour=1), "cannot be built with .*colour"),
        (description("BasicUNetPlusPlus", **PLANE, features=[4, 4, 8, 8, 16, 4]), "returns a list|one of"),
        ({"_target_": "torchvision.models.resnet18"}, "_target_ must be one of"),
    ],
)
def test_others_are_refused_by_what_they_lack(written, message):
    with pytest.raises(ValueError, match=message):
        check_segmenter(written, 3, (32, 32))


def test_checking_leaves_the_random_numbers_of_training_alone():
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    check_segmenter(description("UNet"), 3, (32, 32))
    describe_component(description("UNet"))
    assert torch.equal(torch.rand(1), expected)


def test_descriptions_are_compared_with_their_defaults():
    short = {"_target_": "bundle.networks.compact.Compact"}
    assert describe_component(short) == {**short, **Compact().arguments}
    assert complete(short) == complete({**short, "image_channels": 3})
    assert complete(description("UNet")) == complete(description("UNet", num_res_units=0))
    assert complete(description("UNet")) != complete(description("UNet", num_res_units=1))
