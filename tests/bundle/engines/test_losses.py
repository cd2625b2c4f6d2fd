# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""LossWindow: means over updates, and the first value that is no number by its name."""

from __future__ import annotations

import pytest
import torch

from bundle.engines.losses import LossReading, LossWindow, NonFiniteLossError


def window(**columns):
    made = LossWindow()
    for values in zip(*columns.values(), strict=True):
        made.add({name: torch.tensor(value) for name, value in zip(columns, values, strict=True)})
    return made


def test_means_over_the_updates_since_the_last_reading():
    losses = window(total=[1.0, 2.0, 6.0], dice=[0.5, 0.5, 0.2])
    assert losses.read(last=8) == LossReading(6, 8, {"total": 3.0, "dice": pytest.approx(0.4)})
    losses.add({"dice": torch.tensor(1.0), "total": torch.tensor(5.0)})
    assert losses.read(last=9) == LossReading(9, 9, {"total": 5.0, "dice": 1.0})


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_the_first_term_that_is_not_finite_is_named(value):
    losses = window(total=[1.0, value, value], dice=[1.0, value, value], offset=[1.0, 1.0, value])
    message = rf"loss term 'total' is {value}, 'dice' is {value} at update 46 \(epoch 2\).*last checkpoint"
    with pytest.raises(NonFiniteLossError, match=message):
        losses.check(last=47, epoch_length=45)


def test_numbers_pass():
    window(total=[1.0, -3.0]).check(last=2, epoch_length=1)
    LossWindow().check(last=0, epoch_length=1)


def test_state_comes_back():
    losses, restored = window(total=[1.0, 2.0], dice=[0.5, 0.25]), LossWindow()
    restored.load_state_dict(losses.state_dict())
    assert restored.read(2) == losses.read(2)
    restored.load_state_dict(LossWindow().state_dict())
    assert len(restored) == 0
