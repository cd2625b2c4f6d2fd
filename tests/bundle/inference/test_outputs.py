# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Outputs: a network that tells classes is segmented with as one that returns hover maps is, up to the label."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from monai.inferers import SimpleInferer
from torch import nn

from bundle.inference.model import Model, ModelCard, describe_network, describe_output, read_card, segmenter_of
from bundle.inference.model import write_card as write
from bundle.inference.outputs import ClassOutput, HoverOutput
from bundle.inference.segmenter import Segmenter, windows
from bundle.inference.test_time_augmentation import EIGHT_FOLD, FLIPS
from bundle.inference.workflow import HoverMapInferer, HoverMapToLabeld
from bundle.networks.cnn3 import CNN3
from bundle.networks.compact import Compact
from bundle.networks.parts import activate_hover_map
from transforms.instances.classes_to_label import classes_to_label
from transforms.instances.hover_to_label import hover_to_label
from transforms.maps.classes import class_map
from transforms.maps.hover import hover_map


class Colours(nn.Module):
    """A network that reads its answer off the image: red is background, green inside, blue boundary."""

    def forward(self, image):
        return 8 * image


def squares(*corners, size=(40, 50), side=10):
    label = torch.zeros(1, *size, dtype=torch.int32)
    for number, (y, x) in enumerate(corners, 1):
        label[0, y : y + side, x : x + side] = number
    return label


def encode(label):
    """The image from which Colours reads the label's classes."""
    return nn.functional.one_hot(class_map(label, 1)[0], 3).movedim(2, 0).float()


LABEL = squares((4, 5), (4, 15), (14, 5), (26, 30))
PREDICTION = torch.randn(2, 3, 7, 9, generator=torch.Generator().manual_seed(0))


def test_a_hover_output_is_what_networks_have_always_returned():
    output, seen = HoverOutput(), activate_hover_map(PREDICTION)
    assert torch.equal(output.activated(PREDICTION), seen)
    assert torch.equal(output.foreground(seen[0]), seen[0, 2:])
    assert torch.equal(output.undo(EIGHT_FOLD[5], seen), EIGHT_FOLD[5].undo_hover_map(seen))
    assert torch.equal(output.labeller(2)(seen[0]), hover_to_label(seen[0], smallest=2))
    strict = HoverOutput(threshold=0.8)
    assert torch.equal(strict.labeller(1)(seen[0]), hover_to_label(seen[0], threshold=0.8, smallest=1))


def test_a_class_output_is_probabilities():
    output = ClassOutput(mpp=0.25, threshold=0.4, reach=0.5)
    seen = output.activated(PREDICTION)
    torch.testing.assert_close(seen, PREDICTION.softmax(1))
    torch.testing.assert_close(output.foreground(seen[0]), 1 - seen[0, :1])
    expected = classes_to_label(seen[0], 0.25, threshold=0.4, reach=0.5, smallest=2)
    assert torch.equal(output.labeller(2)(seen[0]), expected) and expected.any()


@pytest.mark.parametrize("symmetry", EIGHT_FOLD, ids=str)
def test_classes_only_move_when_a_view_is_undone(symmetry):
    output = ClassOutput(0.5)
    assert torch.equal(output.undo(symmetry, symmetry.image(PREDICTION)), PREDICTION)


@pytest.mark.parametrize("augmentation", [FLIPS, EIGHT_FOLD])
@pytest.mark.parametrize("inferer", [windows((32, 32)), SimpleInferer()])
def test_objects_come_back(augmentation, inferer):
    output = ClassOutput(0.5, outline_smoothing=0)
    segmenter = Segmenter(Colours(), 0.5, inferer=inferer, augmentation=augmentation, output=output)
    found = segmenter(encode(LABEL), 0.5)
    assert torch.equal(found.label, LABEL)
    torch.testing.assert_close(found.probability, (LABEL > 0).float(), atol=1e-3, rtol=0)


def test_monais_parts_give_the_segmenters_label():
    output, image = ClassOutput(0.5), encode(LABEL)
    seen = HoverMapInferer(windows((32, 32)), FLIPS, output)(image[None], Colours())
    converter = HoverMapToLabeld("pred", smallest=12, output=output)
    label = converter({"pred": seen[0], "original_size": (80, 100)})["pred"]
    segmenter = Segmenter(
        *(Colours(), 0.5), inferer=windows((32, 32)), augmentation=FLIPS, output=output, to_label=output.labeller(12)
    )
    expected = segmenter(nn.functional.interpolate(image[None], scale_factor=2.0)[0], 0.25)
    assert label.shape == (1, 80, 100) and label.max() == 4
    assert np.array_equal(label.unique(), expected.label.unique())


def test_a_model_says_how_it_is_read(tmp_path):
    output = ClassOutput(mpp=0.5, reach=0.75)
    network = CNN3(width=0.05)
    card = ModelCard(describe_network(network), mpp=0.5, diameter=6.0, output=describe_output(output))
    write(tmp_path / "model.pt", card)
    read = read_card(tmp_path / "model.pt")
    assert read.build_output() == output
    segmenter = segmenter_of(Model(network, read))
    assert segmenter.output == output
    label = segmenter.to_label(encode(squares((2, 2), (20, 20), side=4)) * 0.9)
    assert label.max() == 2 and segmenter.to_label(encode(squares((2, 2), side=3)) * 0.9).max() == 0  # 9 px: too small


def test_a_model_that_says_nothing_returns_hover_maps(tmp_path):
    card = ModelCard(describe_network(Compact(channels=[4, 8])), mpp=0.5)
    write(tmp_path / "model.pt", card)
    stored = json.loads((tmp_path / "model.json").read_text())
    del stored["output"]  # as older versions wrote it
    (tmp_path / "model.json").write_text(json.dumps(stored))
    assert segmenter_of(Model(Compact(channels=[4, 8]), read_card(tmp_path / "model.pt"))).output == HoverOutput()


@pytest.mark.parametrize(
    ("output", "message"),
    [
        ({"_target_": "os.system", "command": "true"}, "output is .*_target_ must be one of bundle.inference.outputs"),
        ({}, "output is {}"),
    ],
)
def test_outputs_from_elsewhere_are_refused(output, message):
    with pytest.raises(ValueError, match=message):
        ModelCard(describe_network(Compact(channels=[4, 8])), mpp=0.5, output=output)


def test_an_output_that_cannot_be_built_is_named():
    output = {"_target_": "bundle.inference.outputs.ClassOutput", "colour": 1}
    with pytest.raises(ValueError, match="output bundle.inference.outputs.ClassOutput cannot be built"):
        ModelCard(describe_network(Compact()), mpp=0.5, output=output)


def test_parameters_in_um_mean_the_same_at_any_spacing():
    fine = hover_map(squares((4, 4), (4, 30), side=16))
    coarse = hover_map(squares((2, 2), (2, 20), side=8))
    for limit, found in ((16.0, 2), (16.1, 0)):  # um2; the squares are 4 um wide
        assert HoverOutput(0.25, smallest=limit).labeller()(fine).max() == found
        assert HoverOutput(0.5, smallest=limit).labeller(1000)(coarse).max() == found
        assert ClassOutput(0.5, smallest=limit).labeller(1000)(encode(squares((2, 2), (2, 20), side=8))).max() == found
    assert HoverOutput(0.25, smoothing=0.5).labeller().keywords["smoothing"] == 2.0


@pytest.mark.parametrize(
    "wrong", [{"mpp": 0}, {"threshold": 0.0}, {"threshold": 1.5}, {"smoothing": -0.1}, {"smallest": -1.0}]
)
def test_parameters_out_of_range_are_refused_by_name(wrong):
    with pytest.raises(ValueError, match=f"{next(iter(wrong))} is "):
        HoverOutput(**wrong)
    with pytest.raises(ValueError, match="reach is -1"):
        ClassOutput(0.5, reach=-1)
