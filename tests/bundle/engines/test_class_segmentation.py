# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""ClassTrainer: its loss compares with the label, and its pictures are classes."""

from __future__ import annotations

import copy

import pytest
import torch

from bundle.engines.class_segmentation import ClassTrainer
from bundle.losses.classes import ClassLoss
from bundle.networks.cnn3 import CNN3


class Labels:
    """The tiny stream, with the label of its one object."""

    def __init__(self, stream, **more):
        self.stream, self.more = stream, more

    def __len__(self):
        return len(self.stream)

    def __iter__(self):
        return (self.with_label(batch) for batch in self.stream)

    def set_position(self, step):
        self.stream.set_position(step)

    def with_label(self, batch):
        return {**batch, "label": batch["hover_map"][:, 2:].int(), **self.more}


def trainer(stream, network=None):
    network = network or CNN3(width=0.05, dropout=[0, 0, 0, 0])
    descent = torch.optim.SGD(network.parameters(), 0.1)
    return ClassTrainer("cpu", 1, stream, network, descent, ClassLoss(0.5), "float32")


def test_one_update_is_the_gradient_of_the_loss_against_the_label(tiny):
    torch.manual_seed(0)
    stream = Labels(tiny.Stream(epoch_length=1))
    training = trainer(stream)
    before = copy.deepcopy(training.network)
    training.run()
    batch = stream.with_label(tiny.Stream().batch(0))
    expected = ClassLoss(0.5)(before(batch["image"]), batch["label"])["cross_entropy"]
    plain = torch.autograd.grad(expected, [*before.parameters()])
    for ours, gradient in zip(training.network.parameters(), plain, strict=True):
        torch.testing.assert_close(ours.grad, gradient)
    assert training.state.output["cross_entropy"].item() == pytest.approx(expected.item())


def test_pixels_of_weight_0_do_not_count(tiny):
    training = trainer(Labels(tiny.Stream(epoch_length=1), weight=torch.zeros(2, 1, 16, 16)))
    training.run()
    assert training.state.output["total"] == 0


def test_sample_images_are_image_foreground_and_classes(tiny):
    stream = Labels(tiny.Stream())
    training = trainer(stream)
    batch = stream.with_label(tiny.Stream().batch(0))
    pictures = training.sample_images(batch)
    assert list(pictures) == ["image", "foreground", "predicted_classes"]
    assert torch.equal(pictures["foreground"], batch["hover_map"][:, 2:])
    torch.testing.assert_close(pictures["predicted_classes"].sum(1), torch.ones(2, 16, 16))
    assert training.network.training
