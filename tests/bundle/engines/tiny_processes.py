# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The tiny trainers in several processes, each with its share of the batch; as a program, all runs of one torchrun.

torchrun --nproc_per_node=2 tests/bundle/engines/tiny_processes.py FOLDER       trains in FOLDER/two and one_then_two
"""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path

import ignite.distributed as idist
import torch
from torch import nn

from bundle.engines.average import AverageWeights
from bundle.engines.handlers import LossTable, Progress
from bundle.engines.log_file import LogFile
from bundle.engines.parallel import join_processes, leave_processes, share_of
from bundle.engines.pool import ImagePool
from bundle.engines.saving import ExportWeights, Resume, SaveCheckpoints
from bundle.engines.schedules import LinearDecay
from bundle.engines.segmentation import SegmentationTrainer
from bundle.losses.hover import HoverLoss
from bundle.networks import weights
from bundle.networks.parts import as_prediction

BATCH_SIZE, EVERY = 2, 5
KINDS = ("cycle", "segmentation")


def load_tiny():
    """The module tiny.py beside this file (tests are no package)."""
    spec = importlib.util.spec_from_file_location("engines_tiny", Path(__file__).with_name("tiny.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


tiny = load_tiny()


class SharedStream(tiny.Stream):
    """This process's part of the whole batch."""

    def batch(self, step):
        share, rank = share_of(self.batch_size, "batch_size"), idist.get_rank()
        return {name: whole[rank * share : (rank + 1) * share] for name, whole in super().batch(step).items()}


class Mapper(nn.Module):
    """Image to tanh h, tanh v, logit of m, as tiny.Mapper, but without statistics over the batch or global draws."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 3, 3, padding=1))

    def forward(self, image):
        return as_prediction(self.body(image))


def cycle_trainer(folder):
    """The cycle, with pools that are full after two updates and an average of G's weights."""
    torch.manual_seed(0)
    pools = {"image_pool": ImagePool(4), "mask_pool": ImagePool(4)}
    trainer = tiny.cycle_trainer(SharedStream(BATCH_SIZE), segmenter=Mapper(), **pools)
    average = AverageWeights(trainer.generator, folder / "average.pt", 0.9)
    trainer.attach_handlers([average, *handlers(folder, trainer.generator)])
    return trainer


def segmentation_trainer(folder):
    """The warm start of F."""
    torch.manual_seed(0)
    network = Mapper()
    adam = torch.optim.Adam(network.parameters(), 1e-2)
    return SegmentationTrainer(
        *("cpu", tiny.MAX_EPOCHS, SharedStream(BATCH_SIZE), network, adam, HoverLoss()),
        precision="float32",
        log_every=3,
        train_handlers=[LinearDecay([adam], 0.5), *handlers(folder, network)],
    )


def handlers(folder, network):
    """What resumes from a folder and writes into it."""
    reporters = [LogFile(folder / "train.log"), Progress(), LossTable(folder / "losses.csv")]
    return [
        *(Resume(folder), *reporters, ExportWeights(network, folder / "network.pt")),
        SaveCheckpoints(folder, EVERY, keep=9),
    ]


def train(kind, folder):
    """Train one of `KINDS` to its end."""
    {"cycle": cycle_trainer, "segmentation": segmentation_trainer}[kind](folder).run()


def note_writing(names):
    """From here on the names of all files that this process writes whole are added to a list."""
    write_whole = weights.write_whole

    def noting(path, write):
        names.append("/".join(Path(path).parts[-3:]))
        write_whole(path, write)

    weights.write_whole = noting


if __name__ == "__main__":
    torch.set_num_threads(1)
    root, written = Path(sys.argv[1]), []
    join_processes(torch.device("cpu"), timeout=60)
    note_writing(written)
    for kind in KINDS:
        for run in ("two", "one_then_two"):
            train(kind, root / run / kind)
    (root / f"written_{idist.get_rank()}.json").write_text(json.dumps(written))
    leave_processes()
