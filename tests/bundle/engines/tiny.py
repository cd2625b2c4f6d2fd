# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Trainers that take milliseconds, for the tests of the engines; as a program, runs that kill themselves.

python tests/bundle/engines/tiny.py FOLDER UPDATE       trains in FOLDER/cycle and FOLDER/segmentation
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import torch
from ignite.engine import Events
from torch import nn

from bundle.engines.gan import CycleTrainer
from bundle.engines.handlers import LossTable
from bundle.engines.pool import ImagePool
from bundle.engines.saving import Resume, SaveCheckpoints
from bundle.engines.schedules import LinearDecay, Phase, PhaseSchedule
from bundle.engines.segmentation import SegmentationTrainer
from bundle.losses.hover import HoverLoss
from bundle.losses.synthesis import SynthesisObjective
from bundle.networks.noise import Noise3D
from bundle.networks.parts import as_prediction
from transforms.random_streams import generator

EPOCH_LENGTH, MAX_EPOCHS = 4, 3


class Stream:
    """Random images with a square object in each, a function of (update, index) alone."""

    def __init__(self, batch_size=2, size=16, epoch_length=EPOCH_LENGTH):
        self.batch_size, self.size, self.epoch_length, self.position = batch_size, size, epoch_length, 0

    def __len__(self):
        return self.epoch_length

    def set_position(self, step):
        self.position = step

    def __iter__(self):
        for step in range(self.position, (self.position // self.epoch_length + 1) * self.epoch_length):
            self.position = step + 1
            yield self.batch(step)

    def batch(self, step):
        drawn = [generator(0, step, index) for index in range(self.batch_size)]
        image = torch.stack([torch.rand(3, self.size, self.size, generator=one) for one in drawn])
        hover_map = torch.zeros(self.batch_size, 3, self.size, self.size)
        hover_map[:, :2, 4:9, 4:9] = torch.stack(torch.meshgrid(*[torch.linspace(-1, 1, 5)] * 2, indexing="xy"))
        hover_map[:, 2, 4:9, 4:9] = 1
        point_map = torch.zeros(self.batch_size, 1, self.size, self.size)
        point_map[:, :, 6, 6] = 1
        return {"image": image, "hover_map": hover_map, "point_map": point_map}


class Mapper(nn.Module):
    """Image to tanh h, tanh v, logit of m; dropout draws from torch's global state, the norm has buffers."""

    def __init__(self, width=4):
        super().__init__()
        self.encoder = nn.Sequential(nn.Conv2d(3, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU())
        self.decoder = nn.Sequential(nn.Dropout(0.2), nn.Conv2d(width, 3, 3, padding=1))

    def forward(self, image):
        return as_prediction(self.decoder(self.encoder(image)))


class ToyGenerator(nn.Module):
    """Hover map and noise to an image in [0, 1]."""

    def __init__(self):
        super().__init__()
        self.noise = Noise3D(1, 1)
        self.body = nn.Sequential(nn.Conv2d(5, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 3, 1), nn.Sigmoid())

    def forward(self, hover_map, noise):
        return self.body(torch.cat([hover_map, noise], dim=1))


def discriminator():
    return nn.Sequential(nn.Conv2d(3, 4, 4, 2, 1), nn.LeakyReLU(0.2), nn.Conv2d(4, 1, 4, 1, 1))


def cycle_trainer(
    stream=None, max_epochs=MAX_EPOCHS, rates=(1e-2, 1e-2), handlers=(), segmenter=None, image_generator=None, **options
):
    torch.manual_seed(0)
    networks = image_generator or ToyGenerator(), segmenter or Mapper(), discriminator(), discriminator()
    parameters = [[p for network in pair for p in network.parameters()] for pair in (networks[:2], networks[2:])]
    adam = [torch.optim.Adam(each, lr, betas=(0.5, 0.999)) for each, lr in zip(parameters, rates, strict=True)]
    pools = {"image_pool": ImagePool(3), "mask_pool": ImagePool(3)}
    arguments = {"objective": SynthesisObjective(), "log_every": 3, "precision": "float32", **pools, **options}
    decay = LinearDecay(adam, constant=0.75)
    return CycleTrainer(
        *("cpu", max_epochs, stream or Stream(), *networks),
        **arguments,
        generator_optimizer=adam[0],
        discriminator_optimizer=adam[1],
        train_handlers=[decay, *handlers],
    )


def segmentation_trainer(stream=None, max_epochs=MAX_EPOCHS, handlers=(), network=None, **options):
    torch.manual_seed(0)
    network = network or Mapper()
    adam = torch.optim.Adam(network.parameters(), 1e-2)
    phases = PhaseSchedule(network, adam, [Phase(1, 1, frozen=["encoder"]), Phase(2, 1)], "encoder.pt")
    arguments = {"loss_function": HoverLoss(), "log_every": 3, "precision": "float32", **options}
    return SegmentationTrainer(
        *("cpu", max_epochs, stream or Stream(), network, adam), **arguments, train_handlers=[phases, *handlers]
    )


TRAINERS = {"cycle": cycle_trainer, "segmentation": segmentation_trainer}


def resumable(kind, folder, every=5, extra=()):
    """A trainer that resumes from, saves to and logs into a folder."""
    saving = [Resume(folder), LossTable(Path(folder) / "losses.csv"), *extra, SaveCheckpoints(folder, every)]
    return TRAINERS[kind](handlers=saving)


class Kill:
    """SIGKILL to this process after an update: nothing is flushed, no handler runs."""

    def __init__(self, update):
        self.update = update

    def attach(self, engine):
        engine.add_event_handler(Events.ITERATION_COMPLETED(once=self.update), self)

    def __call__(self, _):
        os.kill(os.getpid(), signal.SIGKILL)


def train_until_killed(folder, update):
    """Each trainer in a process of its own (forked: the imports cost more than all the training)."""
    for kind in TRAINERS:
        process = os.fork()
        if process == 0:
            resumable(kind, Path(folder) / kind, extra=[Kill(update)]).run()
            os._exit(0)
        _, status = os.waitpid(process, 0)
        if not os.WIFSIGNALED(status) or os.WTERMSIG(status) != signal.SIGKILL:
            raise RuntimeError(f"{kind}: was to die by SIGKILL, ended with wait status {status}")


if __name__ == "__main__":
    torch.set_num_threads(1)
    train_until_killed(sys.argv[1], int(sys.argv[2]))
