# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""AverageWeights: the average by hand, in the checkpoints, and in the file."""

from __future__ import annotations

import copy

import pytest
import torch
from ignite.engine import Events

from bundle.engines.average import AverageWeights
from bundle.engines.saving import Resume, SaveCheckpoints
from bundle.networks.weights import load_weights


def averaging(tiny, folder, decay, *handlers, max_epochs=3, rise=0):
    """A cycle trainer with an average of its generator."""
    trainer = tiny.cycle_trainer(max_epochs=max_epochs)
    average = AverageWeights(trainer.generator, folder / "average.pt", decay, rise=rise)
    trainer.attach_handlers([average, *handlers])
    return trainer, average


@pytest.mark.parametrize(("rise", "decays"), [(0, [0.6] * 11), (4, [2 / 5, 3 / 6, 4 / 7] + [0.6] * 8)])
def test_the_average_by_hand(tiny, tmp_path, rise, decays):
    trainer, _ = averaging(tiny, tmp_path, 0.6, rise=rise)
    seen = []

    def note(engine):
        seen.append(engine.generator.body[0].weight.detach().clone())

    trainer.add_event_handler(Events.ITERATION_COMPLETED, note)
    trainer.run()
    expected = seen[0]
    for weight, decay in zip(seen[1:], decays, strict=True):
        expected = decay * expected + (1 - decay) * weight
    written = torch.load(tmp_path / "average.pt", weights_only=True)
    torch.testing.assert_close(written["body.0.weight"], expected)
    assert not torch.equal(written["body.0.weight"], seen[-1])


def test_the_file_fits_the_network(tiny, tmp_path):
    trainer, average = averaging(tiny, tmp_path, 0.9)
    trainer.run()
    network = copy.deepcopy(trainer.generator)
    load_weights(network, tmp_path / "average.pt")
    pairs = zip(network.parameters(), average.average.module.parameters(), strict=True)
    assert all(torch.equal(ours, kept) for ours, kept in pairs)


def test_a_cut_run_goes_on_with_its_average(tiny, tmp_path):
    """Terminated after five updates of twelve, resumed, and compared with a run that nobody cut."""
    for name, cuts in (("whole", [None]), ("cut", [5, None])):
        folder = tmp_path / name
        for cut in cuts:
            trainer, _ = averaging(tiny, folder, 0.9, Resume(folder), SaveCheckpoints(folder, every=5))
            if cut:
                trainer.add_event_handler(Events.ITERATION_COMPLETED(once=cut), lambda engine: engine.terminate(True))
            trainer.run()
    whole, cut = (torch.load(tmp_path / name / "average.pt", weights_only=True) for name in ("whole", "cut"))
    assert all(torch.equal(whole[key], cut[key]) for key in whole)


@pytest.mark.parametrize("decay", [-0.1, 1.0])
def test_bad_decays(decay):
    with pytest.raises(ValueError, match="decay is"):
        AverageWeights(torch.nn.Linear(1, 1), "average.pt", decay)


def test_a_negative_rise_is_refused():
    with pytest.raises(ValueError, match="rise is -1"):
        AverageWeights(torch.nn.Linear(1, 1), "average.pt", rise=-1)
