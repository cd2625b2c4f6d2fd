# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Each failure is made to happen and is named; a training that goes well is left in peace; how often is warned."""

from __future__ import annotations

import copy
import csv
import logging
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
import torch
from ignite.engine import Events
from torch import nn

from bundle.data.folder import DataFolder
from bundle.data.streams import CropStream
from bundle.data.training_images import PointTrainingImages
from bundle.engines.alarms import Alarms
from bundle.engines.contrast import ContrastInversion, UnseenMasks
from bundle.engines.failures import DiscriminatorWins, ModeCollapse
from bundle.engines.gan import CycleTrainer
from bundle.engines.invented import InventedNuclei
from bundle.engines.panel import Panel
from bundle.engines.saving import Resume, SaveCheckpoints
from bundle.engines.segmentation import SegmentationTrainer
from bundle.losses.hover import HoverLoss
from bundle.losses.synthesis import SynthesisObjective
from bundle.networks.compact import Compact
from bundle.networks.discriminator import image_discriminator, patch_discriminator
from bundle.networks.spade import SPADEGenerator
from bundle.simulation.dataset import write_dataset
from transforms.shapes.area_laws import UniformAreaLaw

# how it warns: a check whose words are given, on trainers that take milliseconds


@dataclass
class Scripted:
    """A failure at given updates."""

    failing: set
    name: str = "a failure"

    def measure(self, look, losses):
        return {"step_seen": look.step, "total": losses.get("total", -1.0)}

    def judge(self, numbers, progress):
        step = round(progress * 12)
        assert step == numbers["step_seen"]
        return f"seen at {step}" if step in self.failing else ""


@contextmanager
def listening():
    """What the alarms say meanwhile: (level, text)."""
    said = []
    handler = logging.Handler()
    handler.emit = lambda record: said.append((record.levelname, record.getMessage()))
    log = logging.getLogger("bundle.engines.alarms")
    level = log.level
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    try:
        yield said
    finally:
        log.removeHandler(handler)
        log.setLevel(level)


def scripted(tiny, folder, failing, every=2, after=0, **options):
    panel = Panel(tiny.Stream(), masks=1, noises=2)
    alarms = Alarms(panel, [Scripted(set(failing))], folder / "watch.csv", every, after)
    handlers = [Resume(folder), alarms, SaveCheckpoints(folder, every=7)]
    return tiny.cycle_trainer(handlers=handlers, **options)


def table(folder):
    with open(folder / "watch.csv", newline="") as file:
        return list(csv.DictReader(file))


def test_a_failure_is_named_once_while_it_lasts_and_again_when_it_comes_back(tiny, tmp_path):
    with listening() as said:
        scripted(tiny, tmp_path, failing=[2, 4, 8, 10, 12]).run()
    assert said == [
        ("WARNING", "a failure at update 2: seen at 2"),
        ("INFO", "a failure, seen from update 2 on, is gone at update 6"),
        ("WARNING", "a failure at update 8: seen at 8"),
        ("WARNING", "a failure has lasted from update 8 to the end: see the warning there"),
    ]


def test_a_failure_that_begins_at_the_end_is_named_once(tiny, tmp_path):
    with listening() as said:
        scripted(tiny, tmp_path, failing=[12]).run()
    assert said == [("WARNING", "a failure at update 12: seen at 12")]


def test_nothing_is_judged_before_it_means_something(tiny, tmp_path):
    with listening() as said:
        scripted(tiny, tmp_path, failing=[2, 4, 6], after=5).run()
    assert [text for level, text in said if level == "WARNING"] == ["a failure at update 6: seen at 6"]
    assert [row["step"] for row in table(tmp_path)] == ["2", "4", "6", "8", "10", "12"]


def test_the_last_update_is_looked_at_too(tiny, tmp_path):
    with listening() as said:
        scripted(tiny, tmp_path, failing=[], every=5).run()
    assert [row["step"] for row in table(tmp_path)] == ["5", "10", "12"]
    assert said == [("INFO", f"no known failure at the end (looks: 3); see {tmp_path / 'watch.csv'}")]


def test_a_run_that_is_too_short_is_not_called_free_of_failures(tiny, tmp_path):
    with listening() as said:
        scripted(tiny, tmp_path, failing=[12], after=13).run()
    assert said == [("INFO", f"12 updates are too few to be judged; see {tmp_path / 'watch.csv'}")]


def test_losses_are_means_over_the_updates_since_the_last_look(tiny, tmp_path):
    seen = []
    trainer = scripted(tiny, tmp_path, failing=[], every=6, log_every=2)
    trainer.add_event_handler(
        Events.ITERATION_COMPLETED, lambda engine: seen.append(float(engine.state.output["total"]))
    )
    trainer.run()
    means = [float(row["total"]) for row in table(tmp_path)]
    assert means == pytest.approx([sum(seen[:6]) / 6, sum(seen[6:]) / 6], rel=1e-4)


def test_a_look_between_two_readings_has_the_losses_that_were_read(tiny, tmp_path):
    scripted(tiny, tmp_path, failing=[], every=4, log_every=6).run()
    assert [float(row["total"]) == -1.0 for row in table(tmp_path)] == [True, False, False]  # read at 6 and 12


def test_a_cut_run_says_and_writes_what_a_whole_one_does(tiny, tmp_path):
    """Cut after 9 updates of 12, resumed from 7: update 8 has one row, and the failure is not named again."""
    said = {}
    for name, cuts in (("whole", [None]), ("cut", [9, None])):
        folder = tmp_path / name
        with listening() as said[name]:
            for cut in cuts:
                trainer = scripted(tiny, folder, failing=[4, 6, 8, 12], every=4, log_every=3)
                if cut:
                    trainer.add_event_handler(
                        Events.ITERATION_COMPLETED(once=cut), lambda engine: engine.terminate(skip_completed=True)
                    )
                trainer.run()
    assert said["cut"] == said["whole"] and len(said["whole"]) == 2
    assert table(tmp_path / "cut") == table(tmp_path / "whole")


# what it warns of: small networks on simulated tissue

CHECKS = {
    "inversion": ContrastInversion(),
    "unseen": UnseenMasks(),
    "collapse": ModeCollapse(),
    "images": DiscriminatorWins("discriminator_image", "adversarial_image"),
    "masks": DiscriminatorWins("discriminator_mask", "adversarial_mask"),
    "invented": InventedNuclei(),
}


@pytest.fixture(scope="module")
def training_images(tmp_path_factory):
    """Two images of 128 x 128 px."""
    folder = write_dataset(tmp_path_factory.mktemp("tissue") / "data", images=2, size=(128, 128), seed=4, testing=0)
    data = DataFolder(folder).as_dicts("training", ("image", "points"))
    return PointTrainingImages(data, UniformAreaLaw(diameter=12.0), mpp=0.5)


def new_networks():
    """G, F, D_X, D_S."""
    torch.manual_seed(0)
    image_generator = SPADEGenerator(width=8, hidden=8, multipliers=(4, 2, 1))
    return image_generator, Compact(channels=[8, 16]), image_discriminator(3, 8, 1), patch_discriminator(3, 8, 1)


def train(training_images, networks, folder, updates=1, rates=(0.0, 0.0), every=15):
    """Run the cycle under watch: what the alarms said, and the rows of their table."""
    pairs = [[p for network in pair for p in network.parameters()] for pair in (networks[:2], networks[2:])]
    adam = [torch.optim.Adam(each, rate, betas=(0.5, 0.999)) for each, rate in zip(pairs, rates, strict=True)]
    panel = Panel(CropStream(training_images, (64, 64), batch_size=8, updates=1, seed=3))
    stream = CropStream(training_images, (64, 64), batch_size=2, updates=updates)
    alarms = Alarms(panel, list(CHECKS.values()), folder / "watch.csv", every, after=0)
    trainer = CycleTrainer(
        *("cpu", 1, stream, *networks, SynthesisObjective(), *adam),
        precision="float32",
        log_every=5,
        train_handlers=[alarms],
    )
    with listening() as said:
        trainer.run()
    return said, [{key: float(value) for key, value in row.items()} for row in table(folder)]


@pytest.fixture(scope="module")
def healthy(training_images, tmp_path_factory):
    """Networks after a warm start of F and 30 updates of the cycle, and what was said and seen meanwhile."""
    networks = new_networks()
    warm = CropStream(training_images, (64, 64), batch_size=2, updates=50, seed=1)
    adam = torch.optim.Adam(networks[1].parameters(), 4e-3)
    loss = HoverLoss({"gradient": 10.0})
    SegmentationTrainer("cpu", 1, warm, networks[1], adam, loss, precision="float32").run()
    folder = tmp_path_factory.mktemp("healthy")
    return networks, *train(training_images, networks, folder, updates=30, rates=(2e-3, 2e-3))


def test_a_training_that_goes_well_is_left_in_peace(healthy):
    _, said, rows = healthy
    assert [level for level, _ in said] == ["INFO"]
    assert [row["step"] for row in rows] == [15, 30]
    last = rows[-1]
    assert last["contrast_real"] < -0.1 and last["contrast_synthetic"] < -0.1
    assert 0.05 < last["diversity"] < 0.3 and 0.8 < last["objects_per_point"] < 1.3 and last["invented_share"] < 0.05


def same(network):
    return network


def broken(healthy, image_generator=same, segmenter=same):
    """Copies of the healthy networks; what is made of G and of F stands in their places."""
    g, f, *judges = copy.deepcopy(healthy[0])
    return image_generator(g), segmenter(f), *judges


def only_warning(said):
    (warning,) = [text for level, text in said if level == "WARNING"]
    return warning


class Wrapped(nn.Module):
    """A generator with something wrong in front of it or behind it."""

    def __init__(self, image_generator):
        super().__init__()
        self.image_generator, self.noise = image_generator, image_generator.noise


class Inverted(Wrapped):
    def forward(self, hover_map, noise):
        return 1 - self.image_generator(hover_map, noise)


class Blind(Wrapped):
    """Paints tissue of the right colours, whatever the mask."""

    def forward(self, hover_map, noise):
        elsewhere = hover_map.flip(0).roll((17, 29), dims=(2, 3))  # another image's, moved
        return self.image_generator(elsewhere, noise)


class Deaf(Wrapped):
    def forward(self, hover_map, noise):
        return self.image_generator(hover_map, 0 * noise)


class Dreaming(Wrapped):
    """Paints every mask over the same mask moved by half a crop: about as many nuclei again, where s has none."""

    def forward(self, hover_map, noise):
        moved = hover_map.roll((32, 32), dims=(2, 3))
        return self.image_generator(torch.where(hover_map[:, 2:] > 0.5, hover_map, moved), noise)


def biased(segmenter):
    """F that takes everything for foreground."""
    with torch.no_grad():
        segmenter.exit[-1].bias[2] += 12
    return segmenter


def test_contrast_inversion_is_named(healthy, training_images, tmp_path):
    said, _ = train(training_images, broken(healthy, image_generator=Inverted), tmp_path)
    warnings = [text for level, text in said if level == "WARNING"]
    assert warnings[0].startswith("contrast inversion at update 1: real images are darker at the points than around")
    assert not any("collapse" in text or "wins" in text for text in warnings)  # F, seeing such images, may invent


def test_masks_that_do_not_show_are_named(healthy, training_images, tmp_path):
    said, _ = train(training_images, broken(healthy, image_generator=Blind), tmp_path)
    warnings = [text for level, text in said if level == "WARNING"]
    assert warnings[0].startswith("masks that do not show at update 1: painted objects hardly differ from their ground")
    assert [text.partition(" at ")[0] for text in warnings[1:]] == ["invented nuclei"]  # where s has none


def test_mode_collapse_is_named(healthy, training_images, tmp_path):
    said, rows = train(training_images, broken(healthy, image_generator=Deaf), tmp_path)
    assert only_warning(said).startswith(
        "mode collapse at update 1: images of one mask differ by 0 from noise to noise"
    )
    assert rows[0]["diversity"] == 0


def test_nuclei_that_g_invents_are_named(healthy, training_images, tmp_path):
    said, rows = train(training_images, broken(healthy, image_generator=Dreaming), tmp_path)
    assert only_warning(said).startswith("invented nuclei at update 1: ")
    assert "of the objects that F finds in painted images lie where their masks have none" in only_warning(said)
    assert rows[0]["objects_per_point"] < 1.5


def test_nuclei_that_f_invents_are_named(healthy, training_images, tmp_path):
    said, rows = train(training_images, broken(healthy, segmenter=biased), tmp_path)
    assert only_warning(said).startswith("invented nuclei at update 1: F finds ")
    assert rows[0]["objects_per_point"] > 1.5


@pytest.mark.parametrize(("rates", "named"), [((0.0, 1e-2), 2), ((1e-2, 0.0), 0)])
def test_discriminators_that_win_outright_are_named(tiny, tmp_path, rates, named):
    """One side stands still while the other learns; real images are darker than any that G begins with."""

    class Dark(tiny.Stream):
        def batch(self, step):
            batch = super().batch(step)
            return {**batch, "image": batch["image"] / 10}

    checks = [CHECKS["images"], CHECKS["masks"]]
    alarms = Alarms(Panel(Dark(), masks=1, noises=2), checks, tmp_path / "watch.csv", every=20, after=0)
    with listening() as said:
        tiny.cycle_trainer(Dark(epoch_length=60), rates=rates, max_epochs=1, log_every=10, handlers=[alarms]).run()
    first = [text.partition(": ")[0].partition(" at update ")[0] for _, text in said if " at update " in text]
    assert sorted(first) == ["discriminator_image wins outright", "discriminator_mask wins outright"][:named]
