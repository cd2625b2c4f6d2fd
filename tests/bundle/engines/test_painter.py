# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""PainterTrainer: one update against a plain version, F that stays as it is, tissue, and what is looked at."""

from __future__ import annotations

import copy

import torch
from torch import nn

from bundle.engines.painter import PainterTrainer
from bundle.engines.pool import NoPool
from bundle.networks.noise import Noise3D
from bundle.networks.parts import activate_hover_map
from transforms.maps.tissue import tissue_around
from transforms.random_streams import generator


class KnownLabels:
    """Batches of another stream with a known map and, where asked for, tissue."""

    def __init__(self, stream, tissue=False):
        self.stream, self.tissue, self.set_position = stream, tissue, stream.set_position

    def __len__(self):
        return len(self.stream)

    def __iter__(self):
        return map(self.shown, self.stream)

    def shown(self, batch):
        known = batch | {"known_map": batch["hover_map"].flip(3)}
        objects = (known["hover_map"][:, 2:] > 0) | (known["known_map"][:, 2:] > 0)
        return known | ({"tissue": tissue_around(batch["image"], objects, 1)} if self.tissue else {})


def objective(update):
    terms = {
        "image": (update["image_scores"] - 1).square().mean() / 2,
        "rebuild": (update["rebuilt_image"] - update["image"]).abs().mean(),
        "instance": (update["recovered_map"] - update["hover_map"]).square().mean(),
    }
    return {**terms, "total": sum(terms.values())}


class IntoTissue(nn.Module):
    """Shows what is left of the image."""

    def __init__(self):
        super().__init__()
        self.noise, self.level = Noise3D(1, 1), nn.Parameter(torch.tensor(0.5))

    def forward(self, condition, noise):
        return condition[:, 3:6] + condition[:, 6:] * self.level


def trainer_of(tiny, tissue=False, **options):
    torch.manual_seed(0)
    networks = IntoTissue() if tissue else tiny.ToyGenerator(), tiny.Mapper(), nn.Conv2d(6, 1, 4, 2, 1)
    networks[1].decoder[0].p = 0.0
    pairs = networks[:2], networks[2:]
    adam = [torch.optim.Adam([p for each in pair for p in each.parameters()], 1e-2) for pair in pairs]
    stream = KnownLabels(tiny.Stream(epoch_length=1), tissue)
    return PainterTrainer(
        *("cpu", 1, stream, *networks, nn.Conv2d(3, 1, 1)),
        **{"objective": objective, "image_pool": NoPool(), "precision": "float32", **options},
        generator_optimizer=adam[0],
        discriminator_optimizer=adam[1],
    )


def test_one_update_equals_the_equations_written_out(tiny):
    trainer = trainer_of(tiny)
    painter, mapper, judge = (copy.deepcopy(each) for each in list(trainer.networks.values())[:3])
    batch = KnownLabels(tiny.Stream()).shown(tiny.Stream().batch(0))
    noise = [generator(0, 0, index, 1) for index in range(2)]
    first, second = (painter.noise.sample(2, (16, 16), noise) for _ in range(2))
    mapper.eval()
    fake, rebuilt = painter(batch["hover_map"], first), painter(batch["known_map"], second)
    scores = [judge(torch.cat(pair, 1)) for pair in ((fake, batch["hover_map"]), (rebuilt, batch["known_map"]))]
    total = (torch.cat(scores) - 1).square().mean() / 2 + (rebuilt - batch["image"]).abs().mean()
    total = total + (mapper(fake) - batch["hover_map"]).square().mean()
    gradients = torch.autograd.grad(total, list(painter.parameters()))
    judged_images = batch["image"], rebuilt.detach()
    of_real, of_fake = (judge(torch.cat([image, batch["known_map"]], 1)) for image in judged_images)
    judged = (of_real - 1).square().mean() / 2 + of_fake.square().mean() / 2
    judge_gradients = torch.autograd.grad(judged, list(judge.parameters()))
    trainer.run()
    torch.testing.assert_close(trainer.state.output["total"], total.detach())
    torch.testing.assert_close(trainer.state.output["discriminator_image"], judged.detach())
    learned = [p.grad for network in (trainer.generator, trainer.image_discriminator) for p in network.parameters()]
    for ours, plain in zip(learned, [*gradients, *judge_gradients], strict=True):
        torch.testing.assert_close(ours, plain, atol=1e-6, rtol=1e-4)


def test_f_stays_as_it_is_and_g_and_its_judge_learn(tiny):
    trainer = trainer_of(tiny)
    before = {name: [p.clone() for p in network.parameters()] for name, network in trainer.networks.items()}
    statistics = [buffer.clone() for buffer in trainer.segmenter.buffers()]
    trainer.run()
    after = {name: list(network.parameters()) for name, network in trainer.networks.items()}
    moved = {name for name in before if not all(map(torch.equal, before[name], after[name]))}
    assert moved == {"generator", "image_discriminator"}
    assert all(map(torch.equal, statistics, trainer.segmenter.buffers())) and not trainer.segmenter.training


def test_images_are_painted_into_the_tissue_of_their_batch(tiny):
    trainer = trainer_of(tiny, tissue=True)
    batch = KnownLabels(tiny.Stream(), tissue=True).shown(tiny.Stream().batch(0))
    pictures = trainer.sample_images(batch)
    left = batch["tissue"][:, 3:] == 0
    assert 0 < left.float().mean() < 1
    for name in ("synthetic_image", "recovered_image"):
        assert torch.equal(pictures[name] * left, batch["image"] * left)
        assert not torch.equal(pictures[name], batch["image"])


def test_what_is_looked_at_shows_what_f_finds_in_real_images_and_rebuilt_ones(tiny):
    trainer = trainer_of(tiny)
    batch = KnownLabels(tiny.Stream()).shown(tiny.Stream().batch(0))
    pictures = trainer.sample_images(batch)
    assert list(pictures) == list(tiny.cycle_trainer().sample_images(tiny.Stream().batch(0)))
    trainer.segmenter.eval()
    torch.testing.assert_close(pictures["predicted_map"], activate_hover_map(trainer.segmenter(batch["image"])))
