# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""SegmentationTrainer: one update against a plain version, weights of pixels, phases."""

from __future__ import annotations

import copy

import pytest
import torch

from bundle.engines.base import TrainingEvents
from bundle.losses.hover import HoverLoss


class Weighted:
    """A stream whose batches carry a weight."""

    def __init__(self, stream, weight):
        self.stream, self.weight = stream, weight

    def __len__(self):
        return len(self.stream)

    def __iter__(self):
        return ({**batch, "weight": self.weight} for batch in self.stream)

    def set_position(self, step):
        self.stream.set_position(step)


def one_update(tiny, stream=None, **options):
    """A trainer after one update of SGD at rate 1, without dropout, and its network before."""
    network = tiny.Mapper()
    network.decoder[0].p = 0.0
    before = copy.deepcopy(network)
    trainer = tiny.segmentation_trainer(stream or tiny.Stream(epoch_length=1), 1, network=network, **options)
    trainer.run()
    return trainer, before


def test_one_update_is_the_gradient_of_the_sum_of_the_terms(tiny):
    trainer, before = one_update(tiny)
    batch = tiny.Stream().batch(0)
    terms = HoverLoss()(before(batch["image"]), batch["hover_map"])
    plain = torch.autograd.grad(sum(terms.values()), [*before.decoder.parameters()])
    for ours, expected in zip(trainer.network.decoder.parameters(), plain, strict=True):
        torch.testing.assert_close(ours.grad, expected)
    for name, term in terms.items():
        assert trainer.state.output[name].item() == pytest.approx(term.item(), abs=1e-6)
    assert trainer.state.output["total"].item() == pytest.approx(sum(t.item() for t in terms.values()), abs=1e-5)


def test_pixels_of_weight_0_do_not_count(tiny):
    weight = torch.zeros(2, 1, 16, 16)
    trainer, _ = one_update(tiny, Weighted(tiny.Stream(epoch_length=1), weight))
    assert trainer.state.output["cross_entropy"] == 0 and trainer.state.output["offset"] == 0


def test_the_loss_falls(tiny):
    trainer = tiny.segmentation_trainer(max_epochs=15, log_every=4)
    readings = []
    trainer.add_event_handler(TrainingEvents.LOSSES_READ, lambda e: readings.append(e.state.losses.means["total"]))
    trainer.run()
    assert len(readings) == 15 and readings[-1] < 0.95 * readings[0]


def test_bfloat16_keeps_weights_and_losses_whole(tiny):
    trainer = tiny.segmentation_trainer(max_epochs=1, precision="bfloat16")
    seen = set()
    trainer.network.decoder[1].register_forward_hook(lambda module, inputs, output: seen.add(output.dtype))
    trainer.run()
    assert seen == {torch.bfloat16}
    assert {p.dtype for p in trainer.network.parameters()} == {torch.float32}
    assert all(term.dtype == torch.float32 for term in trainer.state.output.values())


def test_sample_images_are_image_truth_and_prediction(tiny):
    trainer = tiny.segmentation_trainer()
    batch = tiny.Stream().batch(0)
    pictures = trainer.sample_images(batch)
    assert list(pictures) == ["image", "hover_map", "predicted_map"]
    assert pictures["predicted_map"][:, 2].min() >= 0 and pictures["predicted_map"][:, 2].max() <= 1
    assert trainer.network.training


@pytest.mark.skipif(torch.cuda.is_available(), reason="speaks of machines without a GPU")
def test_a_trainer_refuses_an_absent_gpu(tiny):
    trainer = tiny.segmentation_trainer()
    with pytest.raises(ValueError, match="finds 0 CUDA GPUs"):
        type(trainer)("cuda", 1, tiny.Stream(), trainer.network, trainer.optimizer, trainer.loss_function)
