# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The synthesis benchmark: both of its sides do the same, and it says what it measured."""

from __future__ import annotations

import logging

import pytest
import torch

from bundle.networks.spade import SPADE
from scripts.benchmarks import synthesis as synthesis_module
from scripts.benchmarks.plain_synthesis import Samples, plain_spade
from scripts.benchmarks.synthesis import Sides, measure_speed, most_resident, simulated_setup, synthesis
from transforms.maps.hover import hover_map


@pytest.fixture(scope="module", autouse=True)
def small():
    """Two images of 160 px and no more updates than are needed: what is measured is looked at elsewhere."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {"SIDE_UM": 80.0, "IMAGES": 2, "WARM_UP": 1}.items():
            patch.setattr(synthesis_module, name, value)
        yield


@pytest.fixture(scope="module")
def sides(tmp_path_factory):
    return Sides(simulated_setup("smoke", tmp_path_factory.mktemp("benchmark")), torch.device("cpu"), 0)


def test_both_sides_begin_with_equal_networks(sides):
    ours = sides.trainer.networks.values()
    theirs = (sides.plain.generator, sides.plain.segmenter, *sides.plain.judges)
    for network, other in zip(ours, theirs, strict=True):
        assert all(torch.equal(p, q) for p, q in zip(network.parameters(), other.parameters(), strict=True))


def test_the_plain_side_learns_from_what_ours_learns_from(sides):
    plain, ours = next(sides.plain.loader), sides.stream.batch(0)
    for key in ("image", "hover_map", "point_map"):
        assert plain[key].shape == ours[key].shape and plain[key].dtype == ours[key].dtype
    assert set(plain["hover_map"][:, 2].unique().tolist()) == {0.0, 1.0}
    near = torch.nn.functional.max_pool2d(plain["hover_map"][:, 2:], 3, 1, 1)  # a point lies on its object
    assert (near[plain["point_map"] > 0] == 1).all()


def test_the_plain_side_makes_its_samples_on_the_cpu_wherever_it_trains(tmp_path):
    sample = next(Sides(simulated_setup("smoke", tmp_path), torch.device("meta"), 1).plain.loader)
    assert all(tensor.device.type == "cpu" for tensor in sample.values()) and sample["image"].std() > 0


def test_the_plain_masks_are_ellipses_around_the_points():
    class TrainingImage:
        name, size, point_radius = "one", (40, 60), 0.5
        points, image = torch.tensor([[30.0, 20.0]]), torch.zeros(3, 40, 60)

        @staticmethod
        def sampler(points):
            return torch.tensor([[30.0, 20.0, 8.0, 4.0, 0.3]])

    sample = Samples([TrainingImage()], (40, 60), 1)[0]
    inside = sample["hover_map"][2] > 0
    assert abs(int(inside.sum()) - 3.1416 * 32) < 8
    torch.testing.assert_close(hover_map(inside.int()[None])[:2], sample["hover_map"][:2])


def test_the_plain_norm_is_the_same_function():
    layer, features, condition = SPADE(6, 5, 4, "reflect"), torch.randn(2, 6, 8, 8), torch.randn(2, 5, 8, 8)
    torch.testing.assert_close(plain_spade(layer, features, condition), layer(features, condition))


def test_what_it_says(caplog):
    caplog.set_level(logging.INFO)
    synthesis("smoke", "cpu", updates=2, workers=1)
    for words in ("times faster (medians of 2 turns)", "share of an update: data", "peak memory, ours", "theirs"):
        assert words in caplog.text


def test_a_measurement_ends_when_its_time_is_up_but_not_before_three_turns(sides):
    speed = measure_speed(sides, updates=1000, seconds=0)
    assert speed.turns == 3 and speed.ours > 0 and speed.plain > 0
    assert set(speed.shares) == {"data", "G and F", "D_X and D_S"} and sum(speed.shares.values()) == pytest.approx(1)
    assert measure_speed(sides, updates=2).turns == 2


def test_memory_is_this_processes():
    assert 50e6 < most_resident() < 20e9
