# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The panel and its pictures: the same crops and noises all along, nothing changed by looking, a bounded number."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from bundle.engines.panel import Panel
from bundle.engines.samples import SamplePanel, noise_sheet
from bundle.networks.noise import Noise3D
from transforms.random_streams import generator


def panel(tiny, crops=2, **options):
    return Panel(tiny.Stream(batch_size=crops), **{"masks": 2, "noises": 3, **options})


def pictures(folder):
    return {path.name: np.asarray(Image.open(path)) for path in sorted(folder.iterdir())}


class PlainPainter(nn.Module):
    """A G without noise, as in the plain CycleGAN."""

    def __init__(self):
        super().__init__()
        self.noise = Noise3D(0, 0)
        self.body = nn.Conv2d(3, 3, 1)

    def forward(self, hover_map, noise):
        assert noise.shape[1] == 0
        return torch.sigmoid(self.body(hover_map))


def test_a_look_paints_each_mask_with_noises_of_its_own(tiny):
    trainer = tiny.cycle_trainer()
    look = panel(tiny).look(trainer)
    assert look.painted.shape == (2, 3, 3, 16, 16) and not look.painted.requires_grad
    noise = trainer.noise.sample(1, (16, 16), [generator(0, 1, 2)])
    with torch.no_grad():
        expected = trainer.generator(look.batch["hover_map"][1:2], noise)
    torch.testing.assert_close(look.painted[1, 2], expected[0])
    differences = look.painted.flatten(0, 1).flatten(1)
    assert torch.pdist(differences).min() > 0.01


def test_a_style_is_handed_on_with_the_noise(tiny):
    class Styled(PlainPainter):
        def __init__(self):
            super().__init__()
            self.noise = Noise3D(1, 0, style_channels=2)

        def forward(self, hover_map, noise):
            return noise[:, [1, 1, 2]]

    class StyledStream(tiny.Stream):
        def batch(self, step):
            return {**super().batch(step), "style": torch.tensor([[0.1, 0.2], [0.3, 0.4]])}

    look = Panel(StyledStream(), noises=3).look(tiny.cycle_trainer(image_generator=Styled()))
    assert look.painted[:, :, ::2, 5, 5].tolist() == torch.tensor([[[0.1, 0.2]] * 3, [[0.3, 0.4]] * 3]).tolist()


def test_looking_changes_nothing(tiny):
    trainer = tiny.cycle_trainer()
    for network in trainer.networks.values():
        network.train()
    state = copy.deepcopy({name: network.state_dict() for name, network in trainer.networks.items()})
    drawn = torch.get_rng_state()
    panel(tiny).look(trainer)
    for name, network in trainer.networks.items():
        assert network.training
        assert all(torch.equal(value, state[name][key]) for key, value in network.state_dict().items())
    assert torch.equal(drawn, torch.get_rng_state())


def test_nothing_is_compiled_to_look(tiny):
    compiled = []

    def count(graph, inputs):
        compiled.append(graph)
        return graph.forward

    trainer = tiny.cycle_trainer()
    trainer.generator.compile(backend=count)
    panel(tiny).look(trainer)
    assert not compiled
    trainer.run()
    assert compiled


def test_a_watched_training_is_the_training(tiny, tmp_path):
    totals = []
    for handlers in ([], [SamplePanel(panel(tiny), tmp_path, every=3)]):
        trainer = tiny.cycle_trainer(handlers=handlers)
        trainer.run()
        totals.append(float(trainer.state.output["total"]))
    assert totals[0] == totals[1]


def test_handlers_that_share_a_panel_share_the_painting(tiny):
    trainer, shared = tiny.cycle_trainer(), panel(tiny)
    first = shared.look(trainer)
    assert shared.look(trainer) is first
    trainer.state.iteration = 5
    assert shared.look(trainer) is not first


def test_pictures_of_the_same_masks_now_and_then_and_at_the_end(tiny, tmp_path):
    tiny.cycle_trainer(handlers=[SamplePanel(panel(tiny), tmp_path / "samples", every=5)]).run()
    seen = pictures(tmp_path / "samples")
    steps = ["000005", "000010", "000012"]
    assert list(seen) == [*(f"noises_{step}.png" for step in steps), *(f"update_{step}.png" for step in steps)]
    first, last = seen["update_000005.png"], seen["update_000012.png"]
    assert first.shape == (2 * 18, 6 * 18, 3) and seen["noises_000005.png"].shape == (2 * 18, (1 + 3) * 18, 3)
    same = (first == last).all(axis=2).all(axis=0)  # (width,)
    columns = [same[start : start + 16].all() for start in range(0, 6 * 18, 18)]
    assert columns == [True, False, False, True, False, False]  # mask, G, F, real image, F, G
    assert (first.reshape(2, 18, 6, 18, 3)[:, 16:] == 255).all()  # the gaps
    image = tiny.Stream().batch(0)["image"][0].permute(1, 2, 0).numpy()
    assert np.abs(first[:16, 54:70] / 255 - image).max() < 0.003


def test_equal_networks_give_equal_pictures(tiny, tmp_path):
    for name in ("one", "two"):
        frozen = tiny.cycle_trainer(rates=(0.0, 0.0), max_epochs=1)
        frozen.attach_handlers([SamplePanel(panel(tiny), tmp_path / name, every=1)])
        frozen.run()
    one, two = pictures(tmp_path / "one"), pictures(tmp_path / "two")
    assert all((picture == two[name]).all() for name, picture in one.items())
    assert (one["noises_000001.png"] == one["noises_000004.png"]).all()


def test_a_generator_without_noise_has_no_sheet_of_noises_and_says_so_once(tiny, tmp_path, caplog):
    caplog.set_level("INFO")
    tiny.cycle_trainer(image_generator=PlainPainter(), handlers=[SamplePanel(panel(tiny), tmp_path, every=4)]).run()
    assert sorted(pictures(tmp_path)) == ["update_000004.png", "update_000008.png", "update_000012.png"]
    assert sum("G takes no noise" in record.getMessage() for record in caplog.records) == 1


@pytest.mark.parametrize(("total", "expected"), [(50, 200), (600, 200), (4_000, 200), (4_001, 400), (12_000, 600)])
def test_a_long_run_paints_at_longer_steps(total, expected):
    sampler = SamplePanel(None, "samples", every=200, most=20)
    assert sampler.interval(total) == expected
    assert total // expected <= 20


@pytest.mark.parametrize(("start", "kept"), [(0, {"4", "8", "12"}), (8, {"5", "8", "12"})])
def test_pictures_of_later_updates_of_an_earlier_run_go(tiny, tmp_path, start, kept):
    """Those up to where a run resumes stay, and so does what else lies there."""
    for step in (5, 8, 9, 100):
        (tmp_path / f"update_{step:06d}.png").write_text("earlier")
        (tmp_path / f"noises_{step:06d}.png").write_text("earlier")
    (tmp_path / "update_of_mine.png").write_text("mine")
    trainer = tiny.cycle_trainer(handlers=[SamplePanel(panel(tiny), tmp_path, every=4)])
    trainer.load_state_dict({"iteration": start, "epoch_length": 4, "seconds": 1})
    trainer.run()
    found = {path.stem.removeprefix("update_").lstrip("0") for path in tmp_path.glob("update_*")}
    assert found == kept | {"of_mine"}
    assert ((tmp_path / "update_000008.png").read_bytes() == b"earlier") == bool(start)


def test_a_sheet_of_noises_by_hand():
    hover_map = torch.zeros(3, 3, 1, 1)  # h, v, m = 0: shown as (0.5, 0.5, 0)
    painted = torch.tensor([[0.1, 0.2], [0.3, 0.4]])[:, :, None, None, None]  # grey, of the first two masks
    sheet = noise_sheet(hover_map, painted)
    assert sheet.shape == (3, 2 * 3, 3 * 3)
    torch.testing.assert_close(sheet[:, ::3, 0], torch.tensor([[0.5, 0.5], [0.5, 0.5], [0.0, 0.0]]))
    torch.testing.assert_close(sheet[0, ::3, 3::3], torch.tensor([[0.1, 0.2], [0.3, 0.4]]))
    assert (sheet[:, 1:3] == 1).all() and (sheet[:, :, 1:3] == 1).all()
