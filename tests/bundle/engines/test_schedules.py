# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Learning rates and phases at given updates, worked by hand."""

from __future__ import annotations

import logging

import pytest
import torch
from ignite.engine import Events
from torch import nn

from bundle.engines.schedules import LinearDecay, Phase, PhaseSchedule, WarmUpCosine


def rates(trainer, optimizer):
    """The learning rate of every update of a run."""
    seen = []
    trainer.add_event_handler(Events.ITERATION_COMPLETED, lambda: seen.append(optimizer.param_groups[0]["lr"]))
    trainer.run()
    return seen


def test_decay_is_constant_then_linear_to_zero_at_the_end(tiny):
    trainer = tiny.cycle_trainer(max_epochs=2, rates=(0.4, 0.2))  # 8 updates, the last two in the last quarter
    assert rates(trainer, trainer.generator_optimizer) == pytest.approx([0.4] * 7 + [0.2])
    assert trainer.discriminator_optimizer.param_groups[0]["lr"] == pytest.approx(0.1)


def test_decay_of_the_paper():
    decay = LinearDecay([])
    assert [decay.factor(step, 12000) for step in (0, 9000, 10500, 12000)] == [1, 1, 0.5, 0]
    with pytest.raises(ValueError, match="constant is 1"):
        LinearDecay([], constant=1)


def test_warm_up_is_linear_and_the_rest_half_a_cosine():
    plan = WarmUpCosine([], warm_up=3)
    assert [plan.factor(step, 103) for step in (0, 1, 2, 3)] == [0.25, 0.5, 0.75, 1]
    assert [plan.factor(3 + step, 103) for step in (25, 50, 75, 100)] == pytest.approx([0.8535534, 0.5, 0.1464466, 0])


def test_a_short_run_warms_up_for_a_tenth_at_most():
    plan = WarmUpCosine([], warm_up=200)
    assert plan.factor(10, 100) == 1 and plan.factor(9, 100) < 1
    assert 0 < plan.factor(99, 100) < 0.001
    assert WarmUpCosine([], warm_up=0).factor(0, 4) == 1


def test_warm_up_and_cosine_set_the_rates_of_a_run(tiny):
    trainer = tiny.segmentation_trainer(max_epochs=2)
    plan = WarmUpCosine([trainer.optimizer], warm_up=0)
    base = trainer.optimizer.param_groups[0]["lr"]
    plan.attach(trainer)
    total = trainer.total_updates
    assert rates(trainer, trainer.optimizer) == pytest.approx(
        [base * plan.factor(step, total) for step in range(total)]
    )


def test_a_negative_warm_up_is_refused():
    with pytest.raises(ValueError, match="warm_up is -1"):
        WarmUpCosine([], warm_up=-1)


PAPER = [Phase(50, 25, frozen=["encoder"]), Phase(50, 25)]


def schedule(tiny, phases=PAPER, weights="encoder.pt"):
    network = tiny.Mapper()
    return PhaseSchedule(network, torch.optim.Adam(network.parameters()), phases, weights)


@pytest.mark.parametrize(
    ("epoch", "number", "rate"),
    [(0, 0, 1e-3), (24, 0, 1e-3), (25, 0, 1e-4), (49, 0, 1e-4), (50, 1, 1e-3), (99, 1, 1e-4)],
)
def test_phases_of_the_paper(tiny, epoch, number, rate):
    plan = schedule(tiny)
    assert plan.place(epoch * 46, 100 * 46) == (PAPER[number], rate)
    assert plan.place(epoch, 100) == (PAPER[number], rate)  # stretched to a shorter run


def test_without_encoder_weights_everything_trains_for_the_summed_budget(tiny, caplog):
    caplog.set_level(logging.INFO)
    trainer = tiny.segmentation_trainer(max_epochs=4)
    plan = PhaseSchedule(trainer.network, trainer.optimizer, PAPER, encoder_weights="")
    plan.attach(trainer)
    assert plan.phases == [Phase(epochs=100, drop_after=50)]
    assert rates(trainer, trainer.optimizer) == [1e-3] * 8 + [1e-4] * 8
    assert all(parameter.requires_grad for parameter in trainer.network.parameters())
    assert "no encoder weights: all parameters train for 4 epochs" in caplog.text


def test_a_frozen_part_stays_until_its_phase_ends(tiny):
    trainer = tiny.segmentation_trainer()  # phases of 1 and 2 of 3 epochs, the encoder frozen in the first
    encoder, decoder, moved = trainer.network.encoder[0].weight, trainer.network.decoder[1].weight, []
    before = encoder.clone(), decoder.clone()

    @trainer.on(Events.ITERATION_COMPLETED)
    def look():
        moved.append((not torch.equal(before[0], encoder), not torch.equal(before[1], decoder)))

    trainer.run()
    assert moved == [(False, True)] * 4 + [(True, True)] * 8


def test_bad_phases(tiny):
    with pytest.raises(ValueError, match="no training phases"):
        schedule(tiny, [])
    with pytest.raises(ValueError, match=r"backbone.*freezes what Mapper has not; its parts: \['decoder', 'encoder'\]"):
        schedule(tiny, [Phase(1, 1, frozen=["backbone"])])
    with pytest.raises(ValueError, match="epochs must be above 0"):
        Phase(0, 0)
    assert isinstance(schedule(tiny, weights=None).network, nn.Module)
