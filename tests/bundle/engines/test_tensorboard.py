# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""What TensorBoard gets to show."""

from __future__ import annotations

import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from bundle.engines.tensorboard import TensorBoard, montage


def events(folder):
    accumulator = EventAccumulator(str(folder))
    accumulator.Reload()
    return accumulator


def test_curves_learning_rates_and_pictures(tiny, tmp_path):
    tiny.cycle_trainer(log_every=6, handlers=[TensorBoard(tmp_path, images_every=8, samples=1)]).run()
    seen = events(tmp_path)
    assert [scalar.step for scalar in seen.Scalars("loss/total")] == [6, 12]
    assert {"loss/discriminator_mask", "learning_rate/generator_optimizer"} <= set(seen.Tags()["scalars"])
    (tag,) = seen.Tags()["images"]
    (image,) = seen.Images(tag)
    assert (image.step, image.height, image.width) == (8, 16, 6 * 16)


def test_a_resumed_run_replaces_the_curves_of_the_cut_one(tiny, tmp_path):
    tiny.segmentation_trainer(log_every=2, handlers=[TensorBoard(tmp_path)]).run()
    trainer = tiny.segmentation_trainer(log_every=2, handlers=[TensorBoard(tmp_path)])
    trainer.load_state_dict({"iteration": 6, "epoch_length": 4, "seconds": 1})
    trainer.run()
    assert [scalar.step for scalar in events(tmp_path).Scalars("loss/total")] == [2, 4, 6, 8, 10, 12]


def test_a_montage_puts_samples_below_each_other_and_columns_side_by_side():
    grey = torch.tensor([0.25, 0.75]).reshape(2, 1, 1, 1).expand(2, 1, 2, 3)
    hover_map = torch.tensor([-1.0, 0.0, 1.0]).reshape(1, 3, 1, 1).expand(2, 3, 2, 3)
    picture = montage({"image": grey, "hover_map": hover_map})
    assert picture.shape == (3, 4, 6)
    assert picture[:, 0, 0].tolist() == [0.25] * 3 and picture[:, 3, 2].tolist() == [0.75] * 3
    assert picture[:, 1, 4].tolist() == [0, 0.5, 1]
